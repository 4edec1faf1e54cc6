package io.mapfs.core.tree;

import java.nio.ByteBuffer;

/** One section of a tree file, mapped; reads verify the pages that they touch. */
final class TreeSection {
  private final ByteBuffer bytes;
  private final long fileOffset;
  private final TreePages pages;

  TreeSection(ByteBuffer bytes, long fileOffset, TreePages pages) {
    this.bytes = bytes;
    this.fileOffset = fileOffset;
    this.pages = pages;
  }

  int length() {
    return bytes.capacity();
  }

  long fileOffset(int at) {
    return fileOffset + at;
  }

  byte getByte(int at) {
    pages.require(fileOffset + at);
    return bytes.get(at);
  }

  short getShort(int at) {
    pages.require(fileOffset + at);
    return bytes.getShort(at);
  }

  int getInt(int at) {
    pages.require(fileOffset + at);
    return bytes.getInt(at);
  }

  long getLong(int at) {
    pages.require(fileOffset + at);
    return bytes.getLong(at);
  }

  byte[] getBytes(int at, int length) {
    requireRange(at, length);
    byte[] copy = new byte[length];
    bytes.get(at, copy);
    return copy;
  }

  /** Makes sure of the pages of a range, for reading it with {@link #verifiedByte}. */
  void requireRange(int at, int length) {
    if (length > 0) {
      long last = fileOffset + at + length - 1;
      for (long page = fileOffset + at; page < last; page += TreeFormat.PAGE_BYTES) {
        pages.require(page);
      }
      pages.require(last);
    }
  }

  /** A byte of a range that was made sure of. */
  byte verifiedByte(int at) {
    return bytes.get(at);
  }
}
