package io.mapfs.core.fs;

/** Takes a directory's entries one by one until it is full. */
@FunctionalInterface
public interface DirectorySink {
  /**
   * Offers an entry.
   *
   * @param ino the entry's inode number (d_ino)
   * @param type its type (d_type)
   * @param nextCookie where reading goes on after this entry (d_off)
   * @param attributes its attributes where the caller asked for them (readdirplus) and it is
   *     neither "." nor ".."; else {@code null}. An accepted entry with attributes counts as one
   *     lookup.
   * @return false if there was no room: the entry was not taken and reading stops
   */
  boolean accept(byte[] name, long ino, FileType type, long nextCookie, Attributes attributes);
}
