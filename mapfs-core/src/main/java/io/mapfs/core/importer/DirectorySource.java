package io.mapfs.core.importer;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.DirectoryReader;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a directory tree in path order. Every step goes from an open directory to a child, and
 * symlinks are never followed, so that nothing outside the tree is reached whatever happens to it
 * meanwhile. Only the deepest directories stay open; the others are found again as the parent of
 * their child.
 */
final class DirectorySource implements SourceReader {
  private static final int OPEN_DIRECTORIES_MAX = 64;

  /** Times that a directory which changes is listed, and an entry which is exchanged opened. */
  private static final int ATTEMPTS_MAX = 3;

  private static final int DIRECTORY_FLAGS =
      OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME;

  /** A fifo or device that took a file's place must not be waited for, nor become our terminal. */
  private static final int FILE_FLAGS =
      OpenFlags.O_RDONLY
          | OpenFlags.O_NOFOLLOW
          | OpenFlags.O_NONBLOCK
          | OpenFlags.O_NOCTTY
          | OpenFlags.O_NOATIME;

  private final String root;
  private final PathSet excludes;
  private final boolean crossFileSystems;
  private final Deque<Frame> frames = new ArrayDeque<>();

  /** Files with several names, until all names have been seen. */
  private final Map<FileKey, LinkedFile> linkedFiles = new HashMap<>();

  private NameTree names;
  private SourceSink sink;
  private FileStatus rootStatus;

  private record FileKey(long ino, int device) {}

  private static final class LinkedFile {
    final int inode;
    int namesLeft;

    LinkedFile(int inode, int namesLeft) {
      this.inode = inode;
      this.namesLeft = namesLeft;
    }
  }

  /** A directory that is being read. */
  private static final class Frame {
    final int node;
    final FileKey key;
    final PathSet excludes;
    final Name[] children;
    int next;

    /** {@code null} while only deeper directories are read. */
    Descriptor descriptor;

    Frame(int node, FileKey key, PathSet excludes, Name[] children, Descriptor descriptor) {
      this.node = node;
      this.key = key;
      this.excludes = excludes;
      this.children = children;
      this.descriptor = descriptor;
    }
  }

  DirectorySource(String root, PathSet excludes, boolean crossFileSystems) {
    this.root = root;
    this.excludes = excludes;
    this.crossFileSystems = crossFileSystems;
  }

  @Override
  public void read(NameTree names, SourceSink sink) throws ImportException, InterruptedException {
    this.names = names;
    this.sink = sink;
    requireProc();
    try {
      Descriptor descriptor;
      try {
        descriptor = openPlain(Posix.AT_FDCWD, Posix.bytes(root), DIRECTORY_FLAGS);
        rootStatus = Posix.status(descriptor.number());
      } catch (FsException e) {
        throw new ImportException("cannot import " + root + ": " + ImportSource.reason(e), e);
      }
      enter(NameTree.ROOT, descriptor, excludes);
      while (!frames.isEmpty()) {
        step();
      }
    } finally {
      for (Frame frame : frames) {
        closeDescriptor(frame);
      }
    }
  }

  /** Attributes of what cannot be opened are reached by way of /proc/self/fd. */
  private static void requireProc() throws ImportException {
    try {
      Posix.status(Posix.AT_FDCWD, Posix.bytes("/proc/self/fd"), 0);
    } catch (FsException e) {
      throw new ImportException("/proc is not there: mount it (mount -t proc proc /proc)", e);
    }
  }

  private void step() throws ImportException, InterruptedException {
    Frame frame = frames.peek();
    if (frame.next == frame.children.length) {
      leave();
      return;
    }
    Name child = frame.children[frame.next];
    frame.children[frame.next++] = null;
    PathSet childExcludes = frame.excludes.child(child);
    if (!childExcludes.included()) {
      add(frame, child, childExcludes);
    }
  }

  /** Takes the descriptor; lists the directory and puts its inode and frame. */
  private void enter(int node, Descriptor descriptor, PathSet childExcludes)
      throws ImportException, InterruptedException {
    try {
      FileStatus status = Posix.status(descriptor.number());
      Name[] children = list(descriptor.number());
      FileStatus after = Posix.status(descriptor.number());
      for (int attempt = 1; !unchanged(status, after); attempt++) {
        if (attempt == ATTEMPTS_MAX) {
          sink.notice(ImportNotice.Kind.CHANGED_WHILE_READ, names.printablePath(node));
          break;
        }
        status = after;
        Posix.seek(descriptor.number(), 0, Posix.SEEK_SET);
        children = list(descriptor.number());
        after = Posix.status(descriptor.number());
      }
      sink.inode(
          names.inode(node),
          FileMetadata.of(after, null, FileMetadata.xattrs(descriptor.number())));
      FileKey key = new FileKey(after.ino(), after.device());
      frames.push(new Frame(node, key, childExcludes, children, descriptor));
    } catch (FsException e) {
      descriptor.close();
      throw failure(names.printablePath(node), e);
    } catch (InterruptedException e) {
      descriptor.close();
      throw e;
    }
    limitOpenDirectories();
  }

  private static boolean unchanged(FileStatus a, FileStatus b) {
    return a.mtime().equals(b.mtime()) && a.ctime().equals(b.ctime());
  }

  private static Name[] list(int descriptor) throws FsException {
    List<Name> children = new ArrayList<>();
    DirectoryReader reader = new DirectoryReader(descriptor);
    while (reader.next()) {
      children.add(reader.name());
    }
    Name[] sorted = children.toArray(new Name[0]);
    Arrays.sort(sorted);
    return sorted;
  }

  private void limitOpenDirectories() {
    if (frames.size() > OPEN_DIRECTORIES_MAX) {
      int skip = OPEN_DIRECTORIES_MAX;
      for (Frame frame : frames) {
        if (skip-- == 0) {
          // Those above it were closed when they came to stand here.
          closeDescriptor(frame);
          return;
        }
      }
    }
  }

  private static void closeDescriptor(Frame frame) {
    if (frame.descriptor != null) {
      frame.descriptor.close();
      frame.descriptor = null;
    }
  }

  private void leave() throws ImportException {
    Frame left = frames.pop();
    try {
      Frame parent = frames.peek();
      if (parent != null && parent.descriptor == null && parent.next < parent.children.length) {
        parent.descriptor = reopenParent(left, parent);
      }
    } finally {
      closeDescriptor(left);
    }
  }

  private Descriptor reopenParent(Frame child, Frame parent) throws ImportException {
    try {
      Descriptor descriptor =
          openPlain(child.descriptor.number(), Posix.bytes(".."), DIRECTORY_FLAGS);
      FileStatus status = Posix.status(descriptor.number());
      if (!new FileKey(status.ino(), status.device()).equals(parent.key)) {
        descriptor.close();
        throw new ImportException(
            names.printablePath(child.node) + " was moved while it was read; import again");
      }
      return descriptor;
    } catch (FsException e) {
      throw failure(names.printablePath(parent.node), e);
    }
  }

  private void add(Frame frame, Name child, PathSet childExcludes)
      throws ImportException, InterruptedException {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        if (tryAdd(frame, child, childExcludes)) {
          return;
        }
      } catch (FsException e) {
        if (e.errno() != Errno.ENOENT) {
          throw failure(names.printablePath(frame.node, child), e);
        }
        break;
      }
    }
    sink.notice(ImportNotice.Kind.VANISHED, names.printablePath(frame.node, child));
  }

  /** Adds one entry; false if another file took its place meanwhile. */
  private boolean tryAdd(Frame frame, Name child, PathSet childExcludes)
      throws FsException, ImportException, InterruptedException {
    int directory = frame.descriptor.number();
    byte[] name = child.toBytes();
    FileStatus status =
        Posix.status(directory, name, Posix.AT_SYMLINK_NOFOLLOW | Posix.AT_NO_AUTOMOUNT);
    FileType type = status.type();
    if (!crossFileSystems && isElsewhere(status)) {
      if (type == FileType.DIRECTORY) {
        addPlain(frame, child, status);
      }
      sink.notice(ImportNotice.Kind.OTHER_FILE_SYSTEM, names.printablePath(frame.node, child));
      return true;
    }
    switch (type) {
      case DIRECTORY -> {
        Descriptor descriptor = openPlain(directory, name, DIRECTORY_FLAGS | OpenFlags.O_NOFOLLOW);
        int node = names.addNode(frame.node, child, names.newInode(FileType.DIRECTORY));
        enter(node, descriptor, childExcludes);
      }
      case REGULAR -> {
        return addLinked(frame, child, status) || addRegular(frame, child, status);
      }
      default -> {
        if (!addLinked(frame, child, status)) {
          addPlain(frame, child, status);
        }
      }
    }
    return true;
  }

  /**
   * Whether an entry lies on another filesystem. A mount may show the same device (a bind mount),
   * and one mount several devices (files on overlayfs, subvolumes of btrfs): the latter count for
   * directories only.
   */
  private boolean isElsewhere(FileStatus status) {
    boolean otherDevice = status.device() != rootStatus.device();
    if (status.mountId() == 0) {
      return otherDevice;
    }
    return status.mountId() != rootStatus.mountId()
        || (otherDevice && status.type() == FileType.DIRECTORY);
  }

  /** Adds a further name of a file that is known already; false if it is not. */
  private boolean addLinked(Frame frame, Name child, FileStatus status) {
    if (status.nlink() < 2) {
      return false;
    }
    FileKey key = new FileKey(status.ino(), status.device());
    LinkedFile linked = linkedFiles.get(key);
    if (linked == null || names.inodeType(linked.inode) != status.type()) {
      return false;
    }
    names.addNode(frame.node, child, linked.inode);
    if (--linked.namesLeft == 0) {
      linkedFiles.remove(key);
    }
    return true;
  }

  private void rememberLinks(FileStatus status, int inode) {
    if (status.nlink() > 1) {
      linkedFiles.put(
          new FileKey(status.ino(), status.device()), new LinkedFile(inode, status.nlink() - 1));
    }
  }

  private void addPlain(Frame frame, Name child, FileStatus status)
      throws FsException, InterruptedException {
    int directory = frame.descriptor.number();
    byte[] target =
        status.type() == FileType.SYMLINK ? Posix.readLink(directory, child.toBytes()) : null;
    Metadata metadata =
        FileMetadata.of(
            status, target, FileMetadata.xattrs(Posix.descriptorPath(directory, child)));
    int inode = names.newInode(status.type());
    names.addNode(frame.node, child, inode);
    if (status.type() != FileType.DIRECTORY) {
      rememberLinks(status, inode);
    }
    sink.inode(inode, metadata);
  }

  private boolean addRegular(Frame frame, Name child, FileStatus expected)
      throws FsException, ImportException, InterruptedException {
    Descriptor descriptor = openPlain(frame.descriptor.number(), child.toBytes(), FILE_FLAGS);
    boolean taken = false;
    try {
      FileStatus status = Posix.status(descriptor.number());
      if (status.type() != FileType.REGULAR || status.ino() != expected.ino()) {
        return false;
      }
      int inode = names.newInode(FileType.REGULAR);
      int node = names.addNode(frame.node, child, inode);
      rememberLinks(status, inode);
      DirectoryFile file = new DirectoryFile(descriptor, inode, names.printablePath(node), status);
      file.cut(sink);
      taken = true;
      sink.endFile(file);
      return true;
    } finally {
      if (!taken) {
        descriptor.close();
      }
    }
  }

  /** Opens; O_NOATIME is for the owner only, and given up where we are not. */
  private static Descriptor openPlain(int directory, byte[] path, int flags) throws FsException {
    try {
      return Posix.open(directory, path, flags, 0);
    } catch (FsException e) {
      if (e.errno() != Errno.EPERM) {
        throw e;
      }
      return Posix.open(directory, path, flags & ~OpenFlags.O_NOATIME, 0);
    }
  }

  private static ImportException failure(String path, FsException e) {
    return new ImportException("cannot read " + path + ": " + ImportSource.reason(e), e);
  }
}
