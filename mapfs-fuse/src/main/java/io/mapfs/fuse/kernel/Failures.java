package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where a throwable becomes an errno, by type: an {@link FsException} carries its
 * own, anything else is a fault of the implementation and answers EIO.
 *
 * <p>A fault is logged with its stack trace the first time that it comes from a place, so that a
 * fault on every read does not fill the disk; the set of places is bounded.
 */
public final class Failures {
  private static final Logger LOG = LoggerFactory.getLogger(Failures.class);
  private static final int PLACES_MAX = 256;
  private static final Set<String> LOGGED = ConcurrentHashMap.newKeySet();
  private static final Set<Errno> REFUSED = ConcurrentHashMap.newKeySet();

  private Failures() {}

  /**
   * The errno to answer with.
   *
   * @param operation what was asked for, such as {@code READ}
   * @param node the node id that it was asked of
   */
  public static Errno errno(Throwable thrown, String operation, long node) {
    if (thrown instanceof FsException expected) {
      if (expected.getCause() != null) {
        log(expected.getCause(), operation, node, expected.getMessage());
      }
      return expected.errno();
    }
    try {
      log(thrown, operation, node, "a fault, answered with EIO");
    } catch (VirtualMachineError e) {
      // No memory or stack left to tell it with: the answer is what somebody waits for.
      return Errno.EIO;
    }
    return Errno.EIO;
  }

  /**
   * The errno to refuse data with that the kernel writes back. The kernel drops it, and a later
   * close or fsync hears of it; close(2) knows ENOSPC and calls everything else EIO, so a quota
   * that is used up is a full disk. Told once for each errno.
   */
  public static Errno ofWriteBack(Errno errno, Throwable thrown, long node) {
    if (REFUSED.add(errno)) {
      LOG.warn(
          "data written back to node {} is refused with {}: {} (told once)",
          Long.toHexString(node),
          errno,
          thrown.getMessage());
    }
    return errno == Errno.EDQUOT ? Errno.ENOSPC : errno;
  }

  private static void log(Throwable cause, String operation, long node, String message) {
    StackTraceElement[] trace = cause.getStackTrace();
    String place =
        operation + ' ' + cause.getClass().getName() + (trace.length > 0 ? trace[0] : "");
    if (LOGGED.size() < PLACES_MAX && LOGGED.add(place)) {
      LOG.error("{} of node {}: {} (told once)", operation, Long.toHexString(node), message, cause);
    }
  }
}
