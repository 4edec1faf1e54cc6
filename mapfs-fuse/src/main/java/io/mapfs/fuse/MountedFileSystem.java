package io.mapfs.fuse;

import io.mapfs.core.fs.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A mount that stands. All methods may be called from any thread but one that serves a request.
 *
 * <p>Life: mounted → ready (the kernel and the front end have agreed on a protocol) → ended (by
 * {@link #unmount}, by umount(8) from outside, or because the connection was aborted).
 */
public interface MountedFileSystem extends AutoCloseable {
  /** Where it is mounted, absolute and free of symbolic links. */
  Path mountPoint();

  /**
   * Waits until the connection is agreed on.
   *
   * @throws MountException if it ended or did not become ready in time
   */
  ConnectionFacts awaitReady(Duration limit) throws MountException, InterruptedException;

  /**
   * Unmounts: gracefully where nobody uses the mount, else lazily (it leaves the tree of names at
   * once and is served until the last user has gone). Returns at once after the first; the kernel
   * writes its dirty pages back before a graceful unmount ends, but waits for no fsync, so that
   * {@link #syncDirtyPages} and a barrier of the filesystem come first. Unmounting what has ended
   * does nothing.
   */
  Unmounted unmount() throws IOException;

  /**
   * Unmounts if no program uses the mount.
   *
   * @return false if one does, or if it could not be done in time; the mount stands as before
   */
  default boolean unmountIfUnused(Duration limit) throws IOException, InterruptedException {
    return hasEnded() || Unmounting.gracefully(mountPoint(), limit);
  }

  /** Waits until the mount has ended and every request has been answered. */
  void awaitEnd() throws InterruptedException;

  /** Whether the mount has ended and every request has been answered. */
  boolean hasEnded();

  /**
   * Drops cached attributes, and cached data from {@code offsetBytes} on for {@code lengthBytes}
   * (0: to the end; negative offset: attributes only). Queued and sent by a thread of its own, in
   * order; returns at once.
   */
  void invalidateInode(long node, long offsetBytes, long lengthBytes);

  /** Drops the cached entry, negative ones too. Queued as above. */
  void invalidateEntry(long parent, Name name);

  /**
   * The mount barrier's first half: makes the kernel hand every dirty page over as write requests,
   * and returns when they have been answered. What was written by programs before the call is then
   * with the filesystem operations; making it durable is theirs. syncfs(2) reaches no FUSE daemon
   * as a waiting request, hence this.
   *
   * @throws IOException if it could not be done within the mount's deadline; the pages stay dirty
   */
  void syncDirtyPages() throws IOException, InterruptedException;

  /** Whether {@link #syncDirtyPages} has nothing to do because writes are never held back. */
  boolean isWriteThrough();

  /** Unmounts and waits for the end. */
  @Override
  void close() throws IOException;

  /** How an unmount went. */
  enum Unmounted {
    /** It was detached and nobody used it. */
    GRACEFUL,
    /** It left the tree of names; users that it still has are served. */
    LAZY,
    /** It had ended before. */
    ALREADY
  }
}
