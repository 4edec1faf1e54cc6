package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.fuse.ConnectionFacts;
import io.mapfs.fuse.MountException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to the kernel: decodes its requests into calls of a {@link FileSystemOperations}
 * and encodes the answers. Serves any number of threads, each with an {@link Exchange} of its own.
 *
 * <p>What ENOSYS says is final for the connection, so it is said to OPENDIR and FLUSH always (no
 * directory has state here, no close anything to wait for), to OPEN only where the mount is
 * read-only, and never to GETXATTR.
 */
public final class KernelConnection {
  /** Protocol version: 7.45 (Linux 6.18) at most, 7.31 (Linux 5.4) at least. */
  static final int MAJOR = 7;

  static final int MINOR_MAX = 45;
  static final int MINOR_MIN = 31;

  /** Since 7.44 (Linux 6.16) a page stays under write-back until its WRITE is answered. */
  private static final int MINOR_TRUE_WRITEBACK = 44;

  /** Largest WRITE and READ. */
  public static final int WRITE_BYTES_MAX = 1 << 20;

  /** WRITE_BYTES_MAX in pages of 4 KiB; where pages are larger, the byte limits rule. */
  static final int PAGES_MAX = 256;

  /** Requests that nobody waits for (readahead, write-back) that the kernel has in flight. */
  public static final int BACKGROUND_MAX = 32;

  static final int CONGESTION_THRESHOLD = 24;

  /** What st_blocks says of an open file that may have dirty pages and nothing else yet. */
  private static final long BLOCKS_OF_UNWRITTEN = 8;

  private static final Logger LOG = LoggerFactory.getLogger(KernelConnection.class);

  private final FileSystemOperations operations;
  private final boolean readOnly;
  private final KernelCache kernelCache;

  /** Half of the threads may wait for write-back; the other half answers its WRITEs. */
  private final Semaphore writeBackWaits;

  private final WritableOpens writableOpens = new WritableOpens();

  /** Open nodes whose content the kernel was given with the answer to OPEN. */
  private final Set<Long> preloaded = ConcurrentHashMap.newKeySet();

  private final Interrupts interrupts = new Interrupts();
  private final CompletableFuture<ConnectionFacts> ready = new CompletableFuture<>();

  /** What INIT agreed on; written once, before any other request comes. */
  private volatile long flags;

  private volatile int minor;

  /**
   * A connection that has agreed on nothing yet.
   *
   * @param readOnly whether the kernel refuses changes itself
   * @param threadsMax most threads that will serve
   */
  public KernelConnection(
      FileSystemOperations operations, boolean readOnly, int threadsMax, KernelCache kernelCache) {
    this.operations = operations;
    this.readOnly = readOnly;
    this.kernelCache = kernelCache;
    this.writeBackWaits = new Semaphore(Math.max(1, threadsMax / 2));
  }

  /** A new exchange for a thread that will serve; {@link #discard} ends it. */
  public Exchange newExchange() {
    Exchange exchange = new Exchange();
    interrupts.add(exchange.interruption());
    return exchange;
  }

  public void discard(Exchange exchange) {
    interrupts.remove(exchange.interruption());
  }

  /**
   * Serves the request in the exchange's request buffer. Never throws.
   *
   * @param requestBytes how many bytes were read
   * @return whether {@link Exchange#reply} is to be sent
   */
  public boolean serve(Exchange exchange, int requestBytes) {
    if (requestBytes < InHeader.BYTES) {
      LOG.warn("dropped a request of {} bytes: it has no header to answer", requestBytes);
      return false;
    }
    exchange.begin(requestBytes, hasWritebackCache());
    Opcode opcode = Opcode.of(exchange.opcode());
    Errno error = null;
    try {
      check(exchange, opcode, requestBytes);
      interrupts.begun(exchange.interruption(), exchange.unique());
      opcode.handler().handle(this, exchange);
    } catch (Throwable thrown) {
      // Whatever it is, the caller is answered and the mount lives on.
      String operation = opcode == null ? "opcode " + exchange.opcode() : opcode.name();
      error = Failures.errno(thrown, operation, exchange.node());
      if (exchange.isWriteBack()) {
        error = Failures.ofWriteBack(error, thrown, exchange.node());
      }
    }
    exchange.end();
    if (LOG.isTraceEnabled()) {
      String result = error == null ? "ok" : error.name();
      String node = Long.toHexString(exchange.node());
      LOG.trace("{} of node {} by {}: {}", opcode, node, exchange.pid(), result);
    }
    return exchange.finish(error);
  }

  private void check(Exchange exchange, Opcode opcode, int requestBytes) throws FsException {
    if (opcode == Opcode.FORGET || opcode == Opcode.BATCH_FORGET) {
      exchange.noReply();
    }
    if (opcode == null) {
      throw new FsException(Errno.ENOSYS, "opcode " + exchange.opcode());
    }
    int declared = exchange.in().getInt(InHeader.LENGTH);
    if (declared != requestBytes || exchange.in().remaining() < opcode.bodyBytesMin()) {
      throw new FsException(
          Errno.EINVAL, opcode + " of " + requestBytes + " bytes that declares " + declared);
    }
    if ((opcode == Opcode.INIT) == ready.isDone()) {
      throw new FsException(Errno.EINVAL, opcode + (ready.isDone() ? " again" : " before INIT"));
    }
  }

  // ---- For the front end ----

  /** Completed when INIT has agreed on a protocol, or failed when it could not. */
  public CompletableFuture<ConnectionFacts> ready() {
    return ready;
  }

  public boolean hasWritebackCache() {
    return has(InitFlag.WRITEBACK_CACHE);
  }

  /** The nodes that may have dirty pages. */
  public long[] writableNodes() {
    return writableOpens.nodes();
  }

  // ---- For handlers ----

  FileSystemOperations operations() {
    return operations;
  }

  boolean has(InitFlag flag) {
    return flag.in(flags);
  }

  WritableOpens writableOpens() {
    return writableOpens;
  }

  Set<Long> preloaded() {
    return preloaded;
  }

  KernelCache kernelCache() {
    return kernelCache;
  }

  Semaphore writeBackWaits() {
    return writeBackWaits;
  }

  Interrupts interrupts() {
    return interrupts;
  }

  /** Whether waiting for page write-back means waiting for the answers to its WRITEs. */
  boolean isWritebackTrue() {
    return minor >= MINOR_TRUE_WRITEBACK;
  }

  /** The handle of an open file: where OPEN was answered with ENOSYS there are none. */
  long fileHandle(long fh) {
    return has(InitFlag.NO_OPEN_SUPPORT) ? FileSystemOperations.NO_HANDLE : fh;
  }

  /** The handle of an open directory, likewise. */
  long directoryHandle(long fh) {
    return has(InitFlag.NO_OPENDIR_SUPPORT) ? FileSystemOperations.NO_HANDLE : fh;
  }

  /**
   * st_blocks for the kernel. A file that is open for writing may have data that the kernel still
   * holds: 0 would tell tar that it is one hole.
   */
  long blocks(Attributes a) {
    long blocks = AttributesOut.blocks(a);
    boolean unwritten =
        blocks == 0
            && a.type() == FileType.REGULAR
            && hasWritebackCache()
            && writableOpens.contains(a.node());
    return unwritten ? BLOCKS_OF_UNWRITTEN : blocks;
  }

  /** Answers INIT: the lower minor version, and of the flags offered those that are wanted. */
  void agree(int kernelMajor, int kernelMinor, long offered) throws FsException {
    if (kernelMajor != MAJOR || kernelMinor < MINOR_MIN) {
      String message =
          String.format(
              "the kernel speaks FUSE %d.%d, MapFS needs %d.%d (Linux 5.4) or later",
              kernelMajor, kernelMinor, MAJOR, MINOR_MIN);
      ready.completeExceptionally(new MountException(message));
      throw new FsException(Errno.EINVAL, message);
    }
    flags = InitFlag.agreed(offered, readOnly);
    minor = Math.min(kernelMinor, MINOR_MAX);
    Set<String> features =
        InitFlag.setOf(flags).stream().map(InitFlag::name).collect(Collectors.toSet());
    LOG.info(
        "the kernel speaks FUSE {}.{} and offers 0x{}; agreed on {}",
        kernelMajor,
        kernelMinor,
        Long.toHexString(offered),
        features);
    ready.complete(new ConnectionFacts("direct", MAJOR, minor, WRITE_BYTES_MAX, features));
  }

  int minor() {
    return minor;
  }

  long flags() {
    return flags;
  }
}
