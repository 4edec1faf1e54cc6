package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.posix.OpenFlags;
import java.nio.ByteBuffer;

/** Operations on regular files. */
final class FileOperations {
  private static final long COPY_BYTES_MAX = 1 << 20;

  private final OverlayTree tree;
  private final InodeUsers users;
  private final ContentReader reader;
  private final ContentWriter writer;
  private final ContentResizer resizer;
  private final ContentSeek seek;
  private final AccessTimes accessTimes;

  FileOperations(
      OverlayTree tree,
      InodeUsers users,
      ContentReader reader,
      ContentWriter writer,
      ContentResizer resizer,
      ContentSeek seek,
      AccessTimes accessTimes) {
    this.tree = tree;
    this.users = users;
    this.reader = reader;
    this.writer = writer;
    this.resizer = resizer;
    this.seek = seek;
    this.accessTimes = accessTimes;
  }

  long open(RequestContext context, long node, int flags) throws FsException {
    long ino = NodeId.ino(node);
    long handle;
    tree.lock.readLock().lock();
    try {
      switch (tree.type(ino)) {
        case DIRECTORY -> throw new FsException(Errno.EISDIR, "open of a directory");
        case SYMLINK -> throw new FsException(Errno.ELOOP, "open of a symlink");
        case REGULAR -> handle = users.opened(ino, flags);
        default -> throw new FsException(Errno.ENXIO, "open of a special file");
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    if ((flags & OpenFlags.O_TRUNC) != 0) {
      try {
        resizer.resize(context, ino, 0);
      } catch (FsException e) {
        users.closed(handle);
        throw e;
      }
    }
    return handle;
  }

  int read(RequestContext context, long node, long offsetBytes, ByteBuffer target)
      throws FsException {
    long ino = NodeId.ino(node);
    int count = reader.read(context, ino, offsetBytes, target);
    if (count > 0) {
      accessTimes.renew(ino);
    }
    return count;
  }

  int write(
      RequestContext context, long node, long offsetBytes, ByteBuffer source, boolean clearSetid)
      throws FsException {
    return writer.write(context, NodeId.ino(node), offsetBytes, source, clearSetid);
  }

  void fallocate(RequestContext context, long node, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    long ino = NodeId.ino(node);
    FileType type;
    tree.lock.readLock().lock();
    try {
      type = tree.type(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
    if (offsetBytes < 0 || lengthBytes <= 0) {
      throw new FsException(Errno.EINVAL, "fallocate range");
    }
    boolean keepSize = (mode & FileSystemOperations.FALLOC_KEEP_SIZE) != 0;
    boolean punch = (mode & FileSystemOperations.FALLOC_PUNCH_HOLE) != 0;
    boolean zero = (mode & FileSystemOperations.FALLOC_ZERO_RANGE) != 0;
    int known =
        FileSystemOperations.FALLOC_KEEP_SIZE
            | FileSystemOperations.FALLOC_PUNCH_HOLE
            | FileSystemOperations.FALLOC_ZERO_RANGE;
    if ((mode & ~known) != 0 || (punch && (zero || !keepSize))) {
      throw new FsException(Errno.EOPNOTSUPP, "fallocate mode " + mode);
    }
    if (type != FileType.REGULAR) {
      throw new FsException(Errno.ENODEV, "fallocate of another type");
    }
    if (offsetBytes > RecordLimits.MAX_FILE_BYTES - lengthBytes) {
      throw new FsException(Errno.EFBIG, "fallocate");
    }
    resizer.allocate(context, ino, mode, offsetBytes, lengthBytes);
  }

  long lseek(long node, long offsetBytes, int whence) throws FsException {
    if (whence != FileSystemOperations.SEEK_DATA && whence != FileSystemOperations.SEEK_HOLE) {
      throw new FsException(Errno.EINVAL, "lseek whence " + whence);
    }
    return seek.seek(NodeId.ino(node), offsetBytes, whence);
  }

  long copyFileRange(
      RequestContext context,
      long sourceNode,
      long sourceOffsetBytes,
      long targetNode,
      long targetOffsetBytes,
      long lengthBytes)
      throws FsException {
    if (sourceOffsetBytes < 0 || targetOffsetBytes < 0 || lengthBytes < 0) {
      throw new FsException(Errno.EINVAL, "copy range");
    }
    long sizeBytes = regularSize(sourceNode);
    regularSize(targetNode);
    long length =
        Math.min(Math.min(lengthBytes, COPY_BYTES_MAX), Math.max(0, sizeBytes - sourceOffsetBytes));
    if (length == 0) {
      return 0;
    }
    if (targetOffsetBytes > RecordLimits.MAX_FILE_BYTES - length) {
      throw new FsException(Errno.EFBIG, "copy");
    }
    boolean overlap =
        sourceOffsetBytes < targetOffsetBytes + length
            && targetOffsetBytes < sourceOffsetBytes + length;
    if (NodeId.ino(sourceNode) == NodeId.ino(targetNode) && overlap) {
      throw new FsException(Errno.EINVAL, "copy onto itself");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) length);
    read(context, sourceNode, sourceOffsetBytes, buffer);
    buffer.flip();
    return write(context, targetNode, targetOffsetBytes, buffer, Privileges.areTakenBy(context));
  }

  private long regularSize(long node) throws FsException {
    Attributes attributes;
    tree.lock.readLock().lock();
    try {
      attributes = tree.attributes(NodeId.ino(node));
    } finally {
      tree.lock.readLock().unlock();
    }
    if (attributes.type() == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "a directory");
    }
    if (attributes.type() != FileType.REGULAR) {
      throw new FsException(Errno.EINVAL, "not a regular file");
    }
    return attributes.sizeBytes();
  }
}
