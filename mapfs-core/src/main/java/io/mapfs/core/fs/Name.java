package io.mapfs.core.fs;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A directory entry's name, or an xattr's: 1 to 255 bytes without NUL, in no particular encoding.
 *
 * <p>Ordered by unsigned bytes. Path-component rules (no slash, not dot or dot-dot) are the
 * business of {@link #isValidEntry}.
 */
public final class Name implements Comparable<Name> {
  /** Longest name in bytes (NAME_MAX, and XATTR_NAME_MAX). */
  public static final int MAX_BYTES = 255;

  private final byte[] bytes;
  private final int hash;

  private Name(byte[] bytes) {
    if (bytes.length == 0 || bytes.length > MAX_BYTES) {
      throw new IllegalArgumentException("a name has 1 to 255 bytes, not " + bytes.length);
    }
    this.bytes = bytes;
    this.hash = Arrays.hashCode(bytes);
  }

  /** A name of a copy of these bytes. */
  public static Name of(byte[] bytes) {
    return new Name(bytes.clone());
  }

  /** A name of the string's UTF-8 bytes. */
  public static Name of(String text) {
    return new Name(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Takes {@code length} bytes at the buffer's position and advances it. */
  public static Name take(ByteBuffer buffer, int length) {
    byte[] bytes = new byte[length];
    buffer.get(bytes);
    return new Name(bytes);
  }

  public int length() {
    return bytes.length;
  }

  public byte byteAt(int index) {
    return bytes[index];
  }

  /** A copy of the bytes. */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /** Puts the bytes at the buffer's position. */
  public void putInto(ByteBuffer buffer) {
    buffer.put(bytes);
  }

  /** Whether this may stand in a directory: no slash, no NUL, neither "." nor "..". */
  public boolean isValidEntry() {
    for (byte b : bytes) {
      if (b == '/' || b == 0) {
        return false;
      }
    }
    return !(bytes[0] == '.' && (bytes.length == 1 || (bytes.length == 2 && bytes[1] == '.')));
  }

  @Override
  public int compareTo(Name other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Name that && hash == that.hash && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** The bytes as UTF-8, for messages: bytes that are not UTF-8 are lost. */
  @Override
  public String toString() {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
