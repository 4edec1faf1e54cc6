package io.mapfs.core.fs;

/**
 * A file's type, with its S_IFMT bits (stat.h) and its one-byte code in MapFS's formats and in
 * d_type.
 */
public enum FileType {
  FIFO(0010000),
  CHARACTER_DEVICE(0020000),
  DIRECTORY(0040000),
  BLOCK_DEVICE(0060000),
  REGULAR(0100000),
  SYMLINK(0120000),
  SOCKET(0140000);

  /** Mask of the type bits in a mode (S_IFMT). */
  public static final int MODE_MASK = 0170000;

  private static final FileType[] BY_CODE = new FileType[16];

  static {
    for (FileType type : values()) {
      BY_CODE[type.code()] = type;
    }
  }

  private final int modeBits;

  FileType(int modeBits) {
    this.modeBits = modeBits;
  }

  /** The S_IFMT bits. */
  public int modeBits() {
    return modeBits;
  }

  /** The DT_* value of dirent.h: the S_IFMT bits shifted right by twelve. */
  public int code() {
    return modeBits >>> 12;
  }

  /** The type of a full mode; {@code null} where its bits name none. */
  public static FileType ofMode(int mode) {
    return BY_CODE[(mode & MODE_MASK) >>> 12];
  }

  /** The type of a DT_* code; {@code null} where it names none. */
  public static FileType ofCode(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
  }
}
