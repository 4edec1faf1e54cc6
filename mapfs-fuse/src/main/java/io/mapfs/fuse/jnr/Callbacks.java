package io.mapfs.fuse.jnr;

import jnr.ffi.annotations.Delegate;

/**
 * The shapes of libfuse's callbacks, one interface each, named by their parameters: {@code L} is an
 * address, size, offset or device number, {@code I} a 32-bit number. All answer 0, a count, or
 * -errno.
 *
 * <p>jnr-fuse's own callbacks take paths as strings and so lose names that are not UTF-8; these
 * take addresses.
 */
final class Callbacks {
  private Callbacks() {}

  /** (path). */
  public interface L {
    @Delegate
    int call(long a);
  }

  /** (path, mode). */
  public interface LI {
    @Delegate
    int call(long a, int b);
  }

  /** (path, pointer or size). */
  public interface LL {
    @Delegate
    int call(long a, long b);
  }

  /** (path, uid, gid). */
  public interface LII {
    @Delegate
    int call(long a, int b, int c);
  }

  /** (path, number, pointer). */
  public interface LIL {
    @Delegate
    int call(long a, int b, long c);
  }

  /** (path, pointer, pointer or size). */
  public interface LLL {
    @Delegate
    int call(long a, long b, long c);
  }

  /** (path, name, value, size). */
  public interface LLLL {
    @Delegate
    int call(long a, long b, long c, long d);
  }

  /** (path, name, value, size, flags). */
  public interface LLLLI {
    @Delegate
    int call(long a, long b, long c, long d, int e);
  }

  /** (path, buffer, size or function, offset, file info). */
  public interface LLLLL {
    @Delegate
    int call(long a, long b, long c, long d, long e);
  }

  /** (path, mode, offset, length, file info). */
  public interface LILLL {
    @Delegate
    int call(long a, int b, long c, long d, long e);
  }

  /** init: (connection) → user data. */
  public interface Init {
    @Delegate
    long call(long connection);
  }
}
