package io.mapfs.core.posix;

/**
 * Flags of openat(2). Most come from asm-generic/fcntl.h; aarch64 has its own values for four of
 * them (arch/arm64/include/uapi/asm/fcntl.h), x86-64 uses the generic ones.
 */
public final class OpenFlags {
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 01;
  public static final int O_RDWR = 02;
  public static final int O_ACCMODE = 03;
  public static final int O_CREAT = 0100;
  public static final int O_EXCL = 0200;
  public static final int O_NOCTTY = 0400;
  public static final int O_TRUNC = 01000;
  public static final int O_APPEND = 02000;
  public static final int O_NONBLOCK = 04000;
  public static final int O_DSYNC = 010000;
  public static final int O_NOATIME = 01000000;
  public static final int O_CLOEXEC = 02000000;
  public static final int O_SYNC = 04010000;
  public static final int O_PATH = 010000000;

  private static final boolean ARM = "aarch64".equals(System.getProperty("os.arch"));

  public static final int O_DIRECTORY = ARM ? 040000 : 0200000;
  public static final int O_NOFOLLOW = ARM ? 0100000 : 0400000;
  public static final int O_DIRECT = ARM ? 0200000 : 040000;
  public static final int O_LARGEFILE = ARM ? 0400000 : 0100000;
  public static final int O_TMPFILE = 020000000 | O_DIRECTORY;

  private OpenFlags() {}
}
