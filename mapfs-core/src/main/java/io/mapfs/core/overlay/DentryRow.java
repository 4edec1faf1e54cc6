package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileType;

/**
 * What the overlay says of one name in a directory: it points at this inode, or it is hidden.
 *
 * @param ino 0 for a whiteout
 * @param type {@code null} for a whiteout
 * @param cookie the name's permanent place in the listing
 */
record DentryRow(long ino, FileType type, long cookie) {
  static final DentryRow WHITEOUT = new DentryRow(0, null, 0);

  boolean isWhiteout() {
    return ino == 0;
  }
}
