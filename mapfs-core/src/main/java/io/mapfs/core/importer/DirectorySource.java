package io.mapfs.core.importer;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.PathSet;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.posix.TreeWalk;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Reads a directory tree in path order. */
final class DirectorySource implements SourceReader {
  /** A fifo or device that took a file's place must not be waited for, nor become our terminal. */
  private static final int FILE_FLAGS =
      OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY;

  private final String root;
  private final PathSet excludes;
  private final boolean crossFileSystems;

  /** Files with several names, until all names have been seen. */
  private final Map<FileKey, LinkedFile> linkedFiles = new HashMap<>();

  /** The nodes of the directories on the way to the present entry, by depth. */
  private int[] directoryNodes = new int[64];

  private NameTree names;
  private SourceSink sink;
  private TreeWalk walk;

  private record FileKey(long ino, int device) {
    static FileKey of(FileStatus status) {
      return new FileKey(status.ino(), status.device());
    }
  }

  private static final class LinkedFile {
    final int inode;
    int namesLeft;

    LinkedFile(int inode, int namesLeft) {
      this.inode = inode;
      this.namesLeft = namesLeft;
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
    try (TreeWalk opened = new TreeWalk(root, excludes, crossFileSystems)) {
      walk = opened;
      TreeWalk.Step step = next();
      while (step != TreeWalk.Step.END) {
        take(step);
        step = next();
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

  private TreeWalk.Step next() throws ImportException {
    try {
      return walk.next();
    } catch (FsException e) {
      throw failure(e);
    }
  }

  private void take(TreeWalk.Step step) throws ImportException, InterruptedException {
    switch (step) {
      case DIRECTORY -> takeDirectory();
      case FILE -> takeFile();
      case ELSEWHERE -> {
        if (walk.status().type() == FileType.DIRECTORY) {
          takeFile();
        }
        notice(ImportNotice.Kind.OTHER_FILE_SYSTEM);
      }
      case VANISHED -> notice(ImportNotice.Kind.VANISHED);
      default -> throw new IllegalStateException("no entry: " + step);
    }
  }

  private void takeDirectory() throws ImportException, InterruptedException {
    int depth = walk.depth();
    int node = NameTree.ROOT;
    if (depth > 0) {
      node = addNode(names.newInode(FileType.DIRECTORY));
    }
    if (depth == directoryNodes.length) {
      directoryNodes = Arrays.copyOf(directoryNodes, depth * 2);
    }
    directoryNodes[depth] = node;
    if (walk.listingChanged()) {
      notice(ImportNotice.Kind.CHANGED_WHILE_READ);
    }
    try {
      sink.inode(
          names.inode(node),
          FileMetadata.of(walk.status(), null, FileMetadata.xattrs(walk.directory())));
    } catch (FsException e) {
      throw failure(e);
    }
  }

  private int addNode(int inode) {
    return names.addNode(directoryNodes[walk.depth() - 1], walk.name(), inode);
  }

  private void takeFile() throws ImportException, InterruptedException {
    FileStatus status = walk.status();
    if (addLinked(status)) {
      return;
    }
    try {
      if (status.type() == FileType.REGULAR) {
        addRegular(status);
      } else {
        addPlain(status);
      }
    } catch (FsException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ELOOP) {
        throw failure(e);
      }
      walk.retry();
    }
  }

  /** Adds a further name of a file that is known already; false if it is not. */
  private boolean addLinked(FileStatus status) {
    if (status.nlink() < 2 || status.type() == FileType.DIRECTORY) {
      return false;
    }
    FileKey key = FileKey.of(status);
    LinkedFile linked = linkedFiles.get(key);
    if (linked == null || names.inodeType(linked.inode) != status.type()) {
      return false;
    }
    addNode(linked.inode);
    if (--linked.namesLeft == 0) {
      linkedFiles.remove(key);
    }
    return true;
  }

  private void rememberLinks(FileStatus status, int inode) {
    if (status.nlink() > 1 && status.type() != FileType.DIRECTORY) {
      linkedFiles.put(FileKey.of(status), new LinkedFile(inode, status.nlink() - 1));
    }
  }

  /** Adds what has no content, or none that is read. */
  private void addPlain(FileStatus status) throws FsException, InterruptedException {
    Name name = walk.name();
    byte[] target =
        status.type() == FileType.SYMLINK ? Posix.readLink(walk.directory(), name.toBytes()) : null;
    byte[] path = Posix.descriptorPath(walk.directory(), name);
    Metadata metadata = FileMetadata.of(status, target, FileMetadata.xattrs(path));
    int inode = names.newInode(status.type());
    addNode(inode);
    rememberLinks(status, inode);
    sink.inode(inode, metadata);
  }

  private void addRegular(FileStatus expected)
      throws FsException, ImportException, InterruptedException {
    Descriptor descriptor = Posix.openToRead(walk.directory(), walk.name().toBytes(), FILE_FLAGS);
    boolean taken = false;
    try {
      FileStatus status = Posix.status(descriptor.number());
      if (status.type() != FileType.REGULAR || status.ino() != expected.ino()) {
        walk.retry();
        return;
      }
      String path = Posix.printable(walk.path());
      int inode = names.newInode(FileType.REGULAR);
      DirectoryFile file = new DirectoryFile(descriptor, inode, path, status);
      addNode(inode);
      rememberLinks(status, inode);
      file.cut(sink);
      taken = true;
      sink.endFile(file);
    } finally {
      if (!taken) {
        descriptor.close();
      }
    }
  }

  private void notice(ImportNotice.Kind kind) throws InterruptedException {
    byte[] path = walk.path();
    sink.notice(kind, path.length == 0 ? "." : Posix.printable(path));
  }

  private ImportException failure(FsException e) {
    String path = Posix.printable(walk.path());
    String place = path.isEmpty() ? root : root + "/" + path;
    return new ImportException("cannot read " + place + ": " + ImportSource.reason(e), e);
  }
}
