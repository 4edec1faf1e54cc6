package io.mapfs.core.importer;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.Posix;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A regular file that stands open in a directory tree. */
final class DirectoryFile implements SourceFile {
  private static final int SEGMENT_BYTES = SegmentSink.BLOCKS_MAX * BlockId.BLOCK_BYTES;
  private static final ThreadLocal<ByteBuffer> READ_BUFFER =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(SEGMENT_BYTES));

  /** st_blocks counts these. */
  private static final int STATUS_BLOCK_BYTES = 512;

  private final Descriptor descriptor;
  private final int inode;
  private final String path;

  /** As it was before the content was read. */
  private FileStatus status;

  private Metadata metadata;

  /** Takes the descriptor if it returns. */
  DirectoryFile(Descriptor descriptor, int inode, String path, FileStatus status)
      throws FsException {
    this.descriptor = descriptor;
    this.inode = inode;
    this.path = path;
    this.status = status;
    this.metadata = FileMetadata.of(status, null, FileMetadata.xattrs(descriptor.number()));
  }

  @Override
  public int inode() {
    return inode;
  }

  @Override
  public Metadata metadata() {
    return metadata;
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public boolean changed() throws ImportException {
    FileStatus now;
    try {
      now = Posix.status(descriptor.number());
    } catch (FsException e) {
      throw failure(e);
    }
    return now.sizeBytes() != status.sizeBytes()
        || !now.mtime().equals(status.mtime())
        || !now.ctime().equals(status.ctime());
  }

  @Override
  public void readAgain(SegmentSink content) throws ImportException, InterruptedException {
    try {
      status = Posix.status(descriptor.number());
      metadata = FileMetadata.of(status, null, FileMetadata.xattrs(descriptor.number()));
    } catch (FsException e) {
      throw failure(e);
    }
    cut(content);
  }

  /** Gives the content to the sink in segments; blocks that lie in holes are left out. */
  void cut(SegmentSink content) throws ImportException, InterruptedException {
    final long size = status.sizeBytes();
    final int count = BlockCutter.blockCount(size, path);
    boolean sparse = status.blocks() < (size + STATUS_BLOCK_BYTES - 1) / STATUS_BLOCK_BYTES;
    int next = 0;
    while (next < count) {
      int end = count;
      if (sparse) {
        try {
          long data = Posix.seekData(descriptor.number(), (long) next * BlockId.BLOCK_BYTES);
          if (data < 0 || data >= size) {
            return;
          }
          long hole = Math.min(size, Posix.seekHole(descriptor.number(), data));
          next = Math.max(next, (int) (data / BlockId.BLOCK_BYTES));
          // A hole that begins before the data (-1: the file was cut meanwhile) ends the segment.
          end = Math.max(next + 1, blocksUpTo(hole));
        } catch (FsException e) {
          if (e.errno() != Errno.EINVAL) {
            throw failure(e);
          }
          sparse = false;
        }
      }
      for (; next < end; next += SegmentSink.BLOCKS_MAX) {
        segment(content, next, Math.min(SegmentSink.BLOCKS_MAX, end - next), size);
      }
      next = end;
    }
  }

  private static int blocksUpTo(long offsetBytes) {
    return (int) ((offsetBytes + BlockId.BLOCK_BYTES - 1) / BlockId.BLOCK_BYTES);
  }

  private void segment(SegmentSink content, int first, int count, long size)
      throws ImportException, InterruptedException {
    long start = (long) first * BlockId.BLOCK_BYTES;
    int length = (int) Math.min((long) count * BlockId.BLOCK_BYTES, size - start);
    content.segment(length, () -> read(first, length));
  }

  private List<HashedBlock> read(int first, int length) throws ImportException {
    ByteBuffer buffer = READ_BUFFER.get().clear().limit(length);
    long start = (long) first * BlockId.BLOCK_BYTES;
    try {
      while (buffer.hasRemaining()
          && Posix.pread(descriptor.number(), buffer, start + buffer.position()) > 0) {}
    } catch (FsException e) {
      throw failure(e);
    }
    while (buffer.hasRemaining()) {
      // The file became shorter, which changed() will tell.
      buffer.put((byte) 0);
    }
    buffer.flip();
    List<HashedBlock> blocks = new ArrayList<>();
    for (int index = first; buffer.hasRemaining(); index++) {
      byte[] raw = new byte[Math.min(BlockId.BLOCK_BYTES, buffer.remaining())];
      buffer.get(raw);
      HashedBlock block = BlockCutter.hash(index, raw);
      if (block != null) {
        blocks.add(block);
      }
    }
    return blocks;
  }

  private ImportException failure(FsException e) {
    return new ImportException("cannot read " + path + ": " + ImportSource.reason(e), e);
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
