package io.mapfs.fuse;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * What a mount is asked to be.
 *
 * @param mountPoint an existing directory
 * @param source the first column of /proc/mounts, such as {@code mapfs:web01}
 * @param readOnly whether the kernel refuses every change
 * @param allowOther whether users other than the one that mounts may enter; the kernel checks
 *     permissions in either case
 * @param idlePolling whether idle processors may poll, and not sleep, while requests come thick and
 *     fast (front end {@code direct})
 * @param threadsMax most threads that serve requests at the same time; a request that blocks holds
 *     one
 * @param readAheadKib the kernel's readahead on this mount
 * @param syncDeadline longest time that {@link MountedFileSystem#syncDirtyPages} may take
 */
public record MountOptions(
    Path mountPoint,
    String source,
    boolean readOnly,
    boolean allowOther,
    boolean idlePolling,
    int threadsMax,
    int readAheadKib,
    Duration syncDeadline) {

  public MountOptions {
    Objects.requireNonNull(mountPoint);
    Objects.requireNonNull(source);
    Objects.requireNonNull(syncDeadline);
    if (threadsMax < 2) {
      throw new IllegalArgumentException("a mount needs two threads or more, not " + threadsMax);
    }
    if (readAheadKib < 0) {
      throw new IllegalArgumentException("negative readahead: " + readAheadKib);
    }
  }

  /** The defaults: writable, open to all users, up to 64 threads, 1 MiB of readahead, 30 s. */
  public static MountOptions of(Path mountPoint, String source) {
    return new MountOptions(
        mountPoint, source, false, true, true, 64, 1024, Duration.ofSeconds(30));
  }

  public MountOptions withReadOnly(boolean value) {
    return new MountOptions(
        mountPoint, source, value, allowOther, idlePolling, threadsMax, readAheadKib, syncDeadline);
  }

  public MountOptions withIdlePolling(boolean value) {
    return new MountOptions(
        mountPoint, source, readOnly, allowOther, value, threadsMax, readAheadKib, syncDeadline);
  }

  public MountOptions withSyncDeadline(Duration value) {
    return new MountOptions(
        mountPoint, source, readOnly, allowOther, idlePolling, threadsMax, readAheadKib, value);
  }
}
