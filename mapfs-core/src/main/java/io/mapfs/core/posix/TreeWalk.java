package io.mapfs.core.posix;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * Walks a directory tree in path order: a directory before its children, children by the unsigned
 * bytes of their names. Every step goes from an open directory to a child and symlinks are never
 * followed, so that nothing outside the tree is reached whatever happens to it meanwhile. Only the
 * deepest directories stay open; the others are found again as the parent of their child.
 *
 * <p>For one thread. If {@link #next} throws, {@link #path} tells where.
 */
public final class TreeWalk implements AutoCloseable {
  private static final int OPEN_DIRECTORIES_MAX = 64;

  /** Times that a directory which changes is listed, and an entry that is exchanged is tried. */
  private static final int ATTEMPTS_MAX = 3;

  private static final int FLAGS = OpenFlags.O_DIRECTORY;

  /** What {@link #next} came to. */
  public enum Step {
    /** A directory, which is open and listed; its children come next. */
    DIRECTORY,
    /** Any other file. */
    FILE,
    /** A file or directory on another filesystem; it is not entered. */
    ELSEWHERE,
    /** A name that was listed and is gone. */
    VANISHED,
    /** Nothing is left. */
    END
  }

  /** A directory that is being walked. */
  private static final class Frame {
    final Name name;
    final FileStatus status;
    final PathSet excludes;
    final Name[] children;
    int next;

    /** {@code null} while only deeper directories are walked. */
    Descriptor descriptor;

    Frame(Name name, FileStatus status, PathSet excludes, Name[] children, Descriptor descriptor) {
      this.name = name;
      this.status = status;
      this.excludes = excludes;
      this.children = children;
      this.descriptor = descriptor;
    }
  }

  private final String root;
  private final PathSet excludes;
  private final boolean crossFileSystems;
  private final Deque<Frame> frames = new ArrayDeque<>();
  private FileStatus rootStatus;
  private Name name;
  private FileStatus status;
  private boolean entered;
  private boolean listingChanged;

  /** How often the next step's entry was tried; 0 where the next name is taken. */
  private int attempts;

  /** How often the present file had been tried before. */
  private int triedBefore;

  /**
   * @param root the tree's root; symlinks are followed here
   * @param excludes what is left out without being looked at
   * @param crossFileSystems whether directories on other filesystems are entered
   */
  public TreeWalk(String root, PathSet excludes, boolean crossFileSystems) {
    this.root = root;
    this.excludes = excludes;
    this.crossFileSystems = crossFileSystems;
  }

  /** Moves on. The first step is the root's. */
  public Step next() throws FsException {
    if (rootStatus == null) {
      Descriptor descriptor = Posix.openToRead(Posix.AT_FDCWD, Posix.bytes(root), FLAGS);
      return enter(null, excludes, descriptor);
    }
    entered = false;
    while (!frames.isEmpty()) {
      Frame top = frames.peek();
      if (attempts == 0) {
        if (top.next == top.children.length) {
          leave();
          continue;
        }
        name = top.children[top.next];
        top.children[top.next++] = null;
      }
      PathSet childExcludes = top.excludes.child(name);
      if (!childExcludes.included()) {
        return step(top, childExcludes);
      }
    }
    return Step.END;
  }

  private Step step(Frame top, PathSet childExcludes) throws FsException {
    int directory = top.descriptor.number();
    byte[] path = name.toBytes();
    while (attempts < ATTEMPTS_MAX) {
      try {
        status = Posix.status(directory, path, Posix.AT_SYMLINK_NOFOLLOW | Posix.AT_NO_AUTOMOUNT);
        if (!crossFileSystems && isElsewhere()) {
          triedBefore = attempts;
          attempts = 0;
          return Step.ELSEWHERE;
        }
        if (status.type() != FileType.DIRECTORY) {
          triedBefore = attempts;
          attempts = 0;
          return Step.FILE;
        }
        Descriptor descriptor = Posix.openToRead(directory, path, FLAGS | OpenFlags.O_NOFOLLOW);
        attempts = 0;
        return enter(name, childExcludes, descriptor);
      } catch (FsException e) {
        if (e.errno() == Errno.ENOENT) {
          break;
        }
        if (e.errno() != Errno.ENOTDIR && e.errno() != Errno.ELOOP) {
          throw e;
        }
        // Another file took its place between the two calls.
        attempts++;
      }
    }
    attempts = 0;
    return Step.VANISHED;
  }

  /**
   * Makes {@link #next} look at the present file once more, because it was gone or exchanged when
   * it was opened. After a few times it counts as vanished.
   */
  public void retry() {
    attempts = triedBefore + 1;
  }

  /** Takes the descriptor. */
  private Step enter(Name directoryName, PathSet childExcludes, Descriptor descriptor)
      throws FsException {
    boolean done = false;
    try {
      int number = descriptor.number();
      FileStatus before = Posix.status(number);
      Name[] children = list(number);
      status = Posix.status(number);
      for (int listed = 1; isDifferent(before) && listed < ATTEMPTS_MAX; listed++) {
        before = status;
        Posix.seek(number, 0, Posix.SEEK_SET);
        children = list(number);
        status = Posix.status(number);
      }
      listingChanged = isDifferent(before);
      entered = true;
      if (rootStatus == null) {
        rootStatus = status;
      }
      frames.push(new Frame(directoryName, status, childExcludes, children, descriptor));
      done = true;
    } finally {
      if (!done) {
        descriptor.close();
      }
    }
    limitOpenDirectories();
    return Step.DIRECTORY;
  }

  private boolean isDifferent(FileStatus before) {
    return !before.mtime().equals(status.mtime()) || !before.ctime().equals(status.ctime());
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
      Iterator<Frame> fromDeepest = frames.iterator();
      for (int i = 0; i < OPEN_DIRECTORIES_MAX; i++) {
        fromDeepest.next();
      }
      // Those above it were closed when they came to stand here.
      closeDescriptor(fromDeepest.next());
    }
  }

  private static void closeDescriptor(Frame frame) {
    if (frame.descriptor != null) {
      frame.descriptor.close();
      frame.descriptor = null;
    }
  }

  private void leave() throws FsException {
    Frame left = frames.pop();
    try {
      Frame parent = frames.peek();
      if (parent != null && parent.descriptor == null) {
        // Also of a directory that has no children left: its own parent is found by it.
        parent.descriptor = reopenParent(left, parent);
      }
    } finally {
      closeDescriptor(left);
    }
  }

  private static Descriptor reopenParent(Frame child, Frame parent) throws FsException {
    Descriptor descriptor = Posix.openToRead(child.descriptor.number(), Posix.bytes(".."), FLAGS);
    boolean same = false;
    try {
      FileStatus found = Posix.status(descriptor.number());
      same = found.ino() == parent.status.ino() && found.device() == parent.status.device();
    } finally {
      if (!same) {
        descriptor.close();
      }
    }
    if (!same) {
      throw new FsException(Errno.ESTALE, "the directory " + child.name + " was moved meanwhile");
    }
    return descriptor;
  }

  /**
   * Whether the present entry lies on another filesystem. A mount may show the same device (a bind
   * mount), and one mount several devices (files on overlayfs, subvolumes of btrfs): the latter
   * count for directories only.
   */
  private boolean isElsewhere() {
    boolean otherDevice = status.device() != rootStatus.device();
    if (status.mountId() == 0) {
      return otherDevice;
    }
    return status.mountId() != rootStatus.mountId()
        || (otherDevice && status.type() == FileType.DIRECTORY);
  }

  /** The present entry's name; {@code null} for the root. */
  public Name name() {
    return name;
  }

  /** The present entry's attributes; a directory's as they were after it was listed. */
  public FileStatus status() {
    return status;
  }

  /** How many directories the present entry lies below: 0 for the root. */
  public int depth() {
    return entered ? frames.size() - 1 : frames.size();
  }

  /**
   * The descriptor of the directory that was just entered, or else of the one that holds the
   * present entry. Stays the walk's.
   */
  public int directory() {
    return frames.element().descriptor.number();
  }

  /** Whether the directory that was just entered changed each time it was listed. */
  public boolean listingChanged() {
    return listingChanged;
  }

  /** The present entry's path under the root, without a slash at its beginning. */
  public byte[] path() {
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    Iterator<Frame> fromRoot = frames.descendingIterator();
    while (fromRoot.hasNext()) {
      append(path, fromRoot.next().name);
    }
    if (!entered) {
      append(path, name);
    }
    return path.toByteArray();
  }

  private static void append(ByteArrayOutputStream path, Name component) {
    if (component != null) {
      if (path.size() > 0) {
        path.write('/');
      }
      path.writeBytes(component.toBytes());
    }
  }

  @Override
  public void close() {
    for (Frame frame : frames) {
      closeDescriptor(frame);
    }
    frames.clear();
  }
}
