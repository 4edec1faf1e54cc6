package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.NodeId;
import java.io.IOException;

/**
 * Inode numbers and directory cookies, each given out once for ever: also what a crash took with it
 * before a record had named it stays used. A range is noted on disk before the first of it is given
 * out, and the next mount starts after it.
 */
final class NumberRanges {
  /** Numbers in a range. */
  static final long RANGE = 1L << 20;

  private static final long LOW = RANGE / 2;

  /** Notes on disk that all numbers below these may be in use. */
  interface Note {
    void write(long ino, long cookie) throws IOException;
  }

  private final Note note;
  private long nextIno;
  private long nextCookie;
  private long endIno;
  private long endCookie;

  /** Notes the first range, which starts with these numbers. */
  NumberRanges(long nextIno, long nextCookie, Note note) throws IOException {
    this.note = note;
    this.nextIno = nextIno;
    this.nextCookie = nextCookie;
    extend();
  }

  synchronized long takeIno() {
    return nextIno++;
  }

  synchronized long takeCookie() {
    return nextCookie++;
  }

  /** Notes a further range before the present one is used up; called now and then. */
  void extendIfLow() throws IOException {
    boolean low;
    synchronized (this) {
      low = endIno - nextIno < LOW || endCookie - nextCookie < LOW;
    }
    if (low) {
      extend();
    }
  }

  private void extend() throws IOException {
    long ino;
    long cookie;
    synchronized (this) {
      ino = nextIno + RANGE;
      cookie = nextCookie + RANGE;
    }
    if (ino < NodeId.FIRST_OVERLAY_INO || !NodeId.isOverlayIno(ino)) {
      throw new IOException("the overlay's inode numbers are used up");
    }
    note.write(ino, cookie);
    synchronized (this) {
      endIno = ino;
      endCookie = cookie;
    }
  }

  /**
   * Refuses an operation that may take numbers which are not noted on disk.
   *
   * @throws FsException EIO: no range could be noted for long
   */
  synchronized void require() throws FsException {
    // No operation takes more than this.
    if (endIno - nextIno < 16 || endCookie - nextCookie < 16) {
      throw new FsException(Errno.EIO, "no inode numbers: the local state cannot be written");
    }
  }
}
