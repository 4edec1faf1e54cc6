package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.fuse.KernelMount;
import io.mapfs.fuse.kernel.KernelCache;
import io.mapfs.fuse.kernel.Notification;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One mount's kernel caches: gets its dirty pages by asking a {@link SyncHelper}, which is started
 * when first needed. One that misses its deadline is killed, and the next request starts another.
 */
final class MountCache implements KernelCache, AutoCloseable {
  /** How many inodes are asked for at the same time: enough to keep the process busy. */
  private static final int ASKED_MAX = 4 * SyncProcess.THREADS;

  private final FuseDevice fuse;
  private final Duration deadline;

  /** Known once it is mounted. */
  private volatile KernelMount mount;

  /** Written under this object's lock. */
  private volatile SyncProcess process;

  /** Guarded by this. */
  private boolean closed;

  MountCache(FuseDevice fuse, Duration deadline) {
    this.fuse = fuse;
    this.deadline = deadline;
  }

  void mounted(KernelMount newMount) {
    mount = newMount;
  }

  @Override
  public boolean isWriter(int pid) {
    SyncProcess current = process;
    // The thread ids of one that has died may be somebody else's by now.
    return current != null && current.hasThread(pid) && current.isAlive();
  }

  @Override
  public void dropAttributes(long node) {
    // Without an offset the kernel takes no lock (fs/fuse/inode.c, fuse_reverse_inval_inode).
    Notifier.write(fuse, Notification.invalidateInode(node, -1, 0));
  }

  @Override
  public void store(ByteBuffer notification) {
    Notifier.write(fuse, notification);
  }

  @Override
  public long writeBack(RequestContext context, long node) throws FsException {
    try {
      SyncProcess current = running();
      CompletableFuture<Long> answer = current.ask(SyncHelper.PAGES, node);
      context.onInterrupt(
          () -> answer.completeExceptionally(new FsException(Errno.EINTR, "write-back wait")));
      return await(current, answer, System.nanoTime() + deadline.toNanos());
    } catch (IOException e) {
      if (e.getCause() instanceof FsException interrupted) {
        throw interrupted;
      }
      throw new FsException(Errno.EIO, "the file's pages were not written back", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FsException(Errno.EINTR, "write-back wait");
    } finally {
      context.onInterrupt(null);
    }
  }

  /** Has all dirty pages and times of those nodes written back, and waits for the answers. */
  void sync(long[] nodes) throws IOException, InterruptedException {
    if (nodes.length == 0) {
      return;
    }
    long end = System.nanoTime() + deadline.toNanos();
    SyncProcess first = running();
    try {
      sync(first, nodes, end);
    } catch (IOException e) {
      // A signal to the daemon's process group or control group kills this process too, just when
      // the daemon wants its last barrier.
      if (first.isAlive() || System.nanoTime() - end >= 0) {
        throw e;
      }
      sync(running(), nodes, end);
    }
  }

  private void sync(SyncProcess by, long[] nodes, long endNanos)
      throws IOException, InterruptedException {
    Deque<CompletableFuture<Long>> asked = new ArrayDeque<>();
    IOException failure = null;
    int next = 0;
    while (next < nodes.length || !asked.isEmpty()) {
      if (next < nodes.length && asked.size() < ASKED_MAX) {
        asked.add(by.ask(SyncHelper.SYNC, nodes[next++]));
        continue;
      }
      try {
        await(by, asked.remove(), endNanos);
      } catch (IOException e) {
        if (!by.isAlive()) {
          throw e;
        }
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private long await(SyncProcess from, CompletableFuture<Long> answer, long endNanos)
      throws IOException, InterruptedException {
    try {
      return answer.get(Math.max(0, endNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw new IOException("dirty pages were not written back: " + e.getMessage(), e.getCause());
    } catch (TimeoutException e) {
      from.close();
      throw new IOException("dirty pages were not written back within " + deadline, e);
    }
  }

  private synchronized SyncProcess running() throws IOException, InterruptedException {
    if (closed) {
      throw new IOException("the mount has ended");
    }
    if (process == null || !process.isAlive()) {
      process = SyncProcess.start(mount);
    }
    return process;
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (process != null) {
      process.close();
    }
  }
}
