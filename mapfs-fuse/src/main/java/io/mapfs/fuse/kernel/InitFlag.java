package io.mapfs.fuse.kernel;

import java.util.EnumSet;
import java.util.Set;

/**
 * The INIT flags (FUSE_* in fuse.h) that MapFS asks for; every other one is left unset. ASYNC_DIO
 * is one of those: with it the kernel waits for O_DIRECT reads and writes without listening to
 * signals (fs/fuse/file.c, fuse_direct_IO), so that no interrupt would ever be sent.
 */
enum InitFlag {
  ASYNC_READ(0),
  ATOMIC_O_TRUNC(3),
  /** LOOKUP of "." and ".." by node id: file handles work, the mount barrier's among them. */
  EXPORT_SUPPORT(4),
  BIG_WRITES(5),
  /** The umask comes with the request: a default ACL takes its place (POSIX_ACL wants this). */
  DONT_MASK(6),
  DO_READDIRPLUS(13),
  WRITEBACK_CACHE(16),
  NO_OPEN_SUPPORT(17),
  PARALLEL_DIROPS(18),
  POSIX_ACL(20),
  MAX_PAGES(22),
  CACHE_SYMLINKS(23),
  NO_OPENDIR_SUPPORT(24),
  EXPLICIT_INVAL_DATA(25),
  /** Without it every write(2) would ask for security.capability. */
  HANDLE_KILLPRIV_V2(28),
  SETXATTR_EXT(29),
  INIT_EXT(30);

  private final long mask;

  InitFlag(int bit) {
    this.mask = 1L << bit;
  }

  boolean in(long flags) {
    return (flags & mask) != 0;
  }

  /**
   * What both sides want: writeback and zero-message opens depend on whether the mount is writable.
   */
  static long agreed(long offered, boolean readOnly) {
    Set<InitFlag> wanted = EnumSet.allOf(InitFlag.class);
    wanted.remove(readOnly ? WRITEBACK_CACHE : NO_OPEN_SUPPORT);
    long flags = 0;
    for (InitFlag flag : wanted) {
      flags |= flag.mask & offered;
    }
    return flags;
  }

  static Set<InitFlag> setOf(long flags) {
    Set<InitFlag> set = EnumSet.noneOf(InitFlag.class);
    for (InitFlag flag : values()) {
      if (flag.in(flags)) {
        set.add(flag);
      }
    }
    return set;
  }
}
