package io.mapfs.core.fs;

/**
 * A point in time as inodes keep it.
 *
 * @param seconds since the epoch, may be negative
 * @param nanos 0 to 999,999,999
 */
public record FileTime(long seconds, int nanos) implements Comparable<FileTime> {
  public static final FileTime EPOCH = new FileTime(0, 0);

  public FileTime {
    if (nanos < 0 || nanos > 999_999_999) {
      throw new IllegalArgumentException("nanos out of range: " + nanos);
    }
  }

  @Override
  public int compareTo(FileTime other) {
    int bySeconds = Long.compare(seconds, other.seconds);
    return bySeconds != 0 ? bySeconds : Integer.compare(nanos, other.nanos);
  }
}
