package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Posix;
import io.mapfs.fuse.ConnectionFacts;
import io.mapfs.fuse.KernelMount;
import io.mapfs.fuse.MountException;
import io.mapfs.fuse.MountOptions;
import io.mapfs.fuse.MountPoint;
import io.mapfs.fuse.MountedFileSystem;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A mount through libfuse: owns its session, its workers and the memory that they share. */
final class JnrMount implements MountedFileSystem {
  private static final Logger LOG = LoggerFactory.getLogger(JnrMount.class);

  /**
   * For libfuse as a whole (fuse(8)). Names may be cached for a second, as nothing else changes
   * them; attributes may not, because each name of a hard-linked file is an inode of its own to the
   * kernel, which would show what another name's change has made wrong. No splice: a request is to
   * lie in the worker's memory.
   */
  private static final String LIBRARY_OPTIONS =
      "use_ino,entry_timeout=1,negative_timeout=1,attr_timeout=0,no_splice_read";

  private final MountOptions options;
  private final LibFuse2 library;
  private final long mountPointString;
  private final long channel;
  private final long fuse;
  private final OperationsTable table;
  private final KernelMount mount;
  private final CountDownLatch ready = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile ConnectionFacts facts;

  private JnrMount(
      MountOptions options,
      LibFuse2 library,
      long mountPointString,
      long channel,
      long fuse,
      OperationsTable table,
      KernelMount mount) {
    this.options = options;
    this.library = library;
    this.mountPointString = mountPointString;
    this.channel = channel;
    this.fuse = fuse;
    this.table = table;
    this.mount = mount;
  }

  /** Mounts and starts to serve. */
  static JnrMount start(
      LibFuse2 library, FileSystemOperations operations, MountOptions options, Path mountPoint)
      throws MountException {
    long pathString = NativeMemory.newString(Posix.bytes(mountPoint.toString()));
    long arguments =
        arguments(List.of("mapfs", "-o", mountOptions(options) + "," + LIBRARY_OPTIONS));
    long channel = library.fuse_mount(pathString, arguments);
    if (channel == 0) {
      throw new MountException(
          "libfuse cannot mount at " + mountPoint + ": the reason is on the error output");
    }
    OperationsTable table = new OperationsTable();
    HiddenFiles hidden = new HiddenFiles(operations);
    Paths paths = new Paths(operations, hidden);
    OpenFiles files = new OpenFiles();
    LinkedFiles linked = new LinkedFiles();
    new NameCallbacks(operations, paths, hidden, linked).register(table);
    new AttributeCallbacks(operations, paths, files).register(table);
    new FileCallbacks(operations, paths, hidden, files, linked).register(table);
    new DirectoryCallbacks(operations, paths, files).register(table);
    long fuse = 0;
    try {
      KernelMount mount = KernelMount.at(mountPoint);
      // The mount exists before its filesystem does, so init may only use what is set below.
      InitCallback init = new InitCallback();
      table.set(table.init, Callbacks.Init.class, init);
      fuse =
          LibFuse2Library.newFunction()
              .call(channel, arguments, table.address(), table.sizeBytes(), 0);
      if (fuse == 0) {
        throw new IOException("libfuse refused its options");
      }
      JnrMount mounted = new JnrMount(options, library, pathString, channel, fuse, table, mount);
      init.mount = mounted;
      new Workers(
              library,
              library.fuse_get_session(fuse),
              channel,
              options.threadsMax(),
              mounted::onInit,
              mounted::onEnd)
          .start();
      return mounted;
    } catch (IOException e) {
      // Unmounts, as the connection is still alive.
      library.fuse_unmount(pathString, channel);
      table.free();
      throw new MountException("cannot serve " + mountPoint + ": " + e.getMessage(), e);
    }
  }

  /** libfuse's init. */
  private static final class InitCallback implements Callbacks.Init {
    private volatile JnrMount mount;

    @Override
    public long call(long connection) {
      mount.facts = ConnectionInfo.agree(connection);
      return 0;
    }
  }

  /** For the kernel and mount(8): libfuse would say nosuid and nodev if it were not told. */
  private static String mountOptions(MountOptions options) {
    return "fsname="
        + options.source().replace("\\", "\\\\").replace(",", "\\,")
        + ",subtype="
        + MountPoint.TYPE.substring(MountPoint.TYPE.indexOf('.') + 1)
        + ",default_permissions"
        + (Posix.effectiveUid() == 0 ? ",suid,dev" : "")
        + (options.allowOther() ? ",allow_other" : "")
        + (options.readOnly() ? ",ro" : "");
  }

  /** {@code struct fuse_args}: int argc; char **argv; int allocated. libfuse keeps parts of it. */
  private static long arguments(List<String> words) {
    long vector = NativeMemory.allocate((words.size() + 1L) * Long.BYTES);
    for (int i = 0; i < words.size(); i++) {
      NativeMemory.putLong(
          vector + (long) i * Long.BYTES, NativeMemory.newString(Posix.bytes(words.get(i))));
    }
    long arguments = NativeMemory.allocate(3L * Long.BYTES);
    NativeMemory.putInt(arguments, words.size());
    NativeMemory.putLong(arguments + Long.BYTES, vector);
    return arguments;
  }

  private void onInit() {
    // The kernel lowers the readahead when it takes the answer to INIT, so it is raised after it.
    mount.setReadAhead(options.readAheadKib());
    ready.countDown();
  }

  private void onEnd() {
    library.fuse_unmount(mountPointString, channel);
    library.fuse_destroy(fuse);
    table.free();
    NativeMemory.free(mountPointString);
    ended.countDown();
    ready.countDown();
    LOG.info("{} at {} has ended", options.source(), mount.mountPoint());
  }

  @Override
  public Path mountPoint() {
    return mount.mountPoint();
  }

  @Override
  public ConnectionFacts awaitReady(Duration limit) throws MountException, InterruptedException {
    boolean answered = ready.await(limit.toMillis(), TimeUnit.MILLISECONDS);
    ConnectionFacts agreed = facts;
    if (!answered || hasEnded() || agreed == null) {
      throw new MountException(
          mountPoint() + (hasEnded() ? " was unmounted again" : " is not ready within " + limit));
    }
    return agreed;
  }

  @Override
  public Unmounted unmount() throws IOException {
    return hasEnded() ? Unmounted.ALREADY : mount.unmount(options.syncDeadline());
  }

  @Override
  public void awaitEnd() throws InterruptedException {
    ended.await();
  }

  @Override
  public boolean hasEnded() {
    return ended.getCount() == 0;
  }

  /** libfuse 2 cannot tell the kernel; attributes are never cached, pages until the next open. */
  @Override
  public void invalidateInode(long node, long offsetBytes, long lengthBytes) {}

  /** libfuse 2 cannot tell the kernel, which asks again within a second. */
  @Override
  public void invalidateEntry(long parent, Name name) {}

  /** Nothing to do: without the writeback cache a write is a request. */
  @Override
  public void syncDirtyPages() {}

  @Override
  public boolean isWriteThrough() {
    return true;
  }

  @Override
  public void close() throws IOException {
    if (unmount() != Unmounted.LAZY) {
      try {
        awaitEnd();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
