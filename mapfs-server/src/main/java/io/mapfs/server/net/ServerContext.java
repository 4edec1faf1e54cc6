package io.mapfs.server.net;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.ApplianceService;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all sessions of a server share: its threads, its bounds, and who is connected. */
final class ServerContext {
  private static final Logger LOG = LoggerFactory.getLogger(ServerContext.class);
  private static final Pattern NODE = Pattern.compile("|[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
  private static final int MOST_WAITING_CALLS = 256;

  /** Enough to fill a link while one turn follows on another; each has its window in the link. */
  private static final int TURNS = 6;

  /** As long as 1 MiB takes where six share 200 Mbit/s. */
  private static final long TURN_COUNTED_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final ApplianceService service;
  private final ServerConfig config;
  private final WorkQueue workers;
  private final ReceiveTurns turns;
  private final ByteBudget payloads;
  private final UnsentBytes unsent;
  private final ThreadPoolExecutor control;

  /** One thread: strangers may keep one processor busy, not more. */
  private final ThreadPoolExecutor handshakes;

  /** Tells the service who comes and goes, in order. */
  private final ThreadPoolExecutor lifecycle;

  private final Set<SessionHandler> sessions = ConcurrentHashMap.newKeySet();
  private volatile List<String> addresses = List.of();
  private volatile boolean stopping;

  /** Requests in flight of all sessions; protected by this. */
  private long requests;

  ServerContext(ApplianceService service, ServerConfig config) {
    this.service = service;
    this.config = config;
    this.workers = new WorkQueue(config.bounds().threads().workers());
    this.turns = new ReceiveTurns(TURNS, TURN_COUNTED_NANOS);
    this.payloads = new ByteBudget(config.bounds().memory().payloadBytes());
    this.unsent = new UnsentBytes(config.bounds().memory().unsentBytes(), workers);
    this.control = pool("mapfs-control", config.bounds().threads().control(), MOST_WAITING_CALLS);
    this.handshakes = pool("mapfs-handshakes", 1, config.bounds().connections().mostStrangers());
    // What waits here is bounded by the number of connections.
    this.lifecycle = pool("mapfs-sessions", 1, Integer.MAX_VALUE);
  }

  private static ThreadPoolExecutor pool(String name, int threads, int mostWaiting) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(mostWaiting),
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  ApplianceService service() {
    return service;
  }

  ServerConfig config() {
    return config;
  }

  /** Whose large payloads are received. */
  ReceiveTurns turns() {
    return turns;
  }

  /** Room for received payloads. */
  ByteBudget payloads() {
    return payloads;
  }

  UnsentBytes unsent() {
    return unsent;
  }

  WorkQueue workers() {
    return workers;
  }

  Executor control() {
    return control;
  }

  /** For the handshakes of those who have not proved who they are. */
  Executor handshakes() {
    return handshakes;
  }

  /** Runs what tells the service of a session's coming or going. */
  void lifecycle(Runnable task) {
    try {
      lifecycle.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              LOG.error("the service failed at a session's coming or going", e);
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.warn("the service is not told of a session's end: the server has stopped");
    }
  }

  // ---- sessions ----

  void addresses(List<String> newAddresses) {
    addresses = newAddresses;
  }

  void connected(SessionHandler session) {
    sessions.add(session);
    if (stopping) {
      session.close();
    }
  }

  void disconnected(SessionHandler session) {
    sessions.remove(session);
    synchronized (this) {
      notifyAll();
    }
  }

  Message.Welcome welcome(int version, long features) {
    return new Message.Welcome(
        version, features, service.clusterId(), 1, addresses, config.software());
  }

  void checkNode(String node) throws ApplianceException {
    if (!NODE.matcher(node).matches()) {
      throw new ApplianceException(FailureCode.INVALID, "'" + node + "' is no name of a node");
    }
  }

  String textOf(SocketAddress address) {
    if (address instanceof InetSocketAddress inet && inet.getAddress() != null) {
      String host = inet.getAddress().getHostAddress();
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + inet.getPort();
    }
    return String.valueOf(address);
  }

  /** How often a connection is looked at: often enough for the shortest of its time limits. */
  long watchMillis() {
    ServerTimeouts timeouts = config.timeouts();
    long shortest =
        Math.min(
            Math.min(timeouts.handshake().toMillis(), timeouts.frame().toMillis()),
            timeouts.keepAlive().toMillis());
    return Math.max(10, shortest / 4);
  }

  // ---- stopping ----

  boolean isStopping() {
    return stopping;
  }

  synchronized void begun() {
    requests++;
  }

  synchronized void ended() {
    requests--;
    if (requests == 0) {
      notifyAll();
    }
  }

  /** Refuses new requests, waits for those in flight, and closes the connections. */
  void drain(Duration timeout) throws InterruptedException {
    stopping = true;
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    if (!await(() -> requests == 0, deadlineNanos)) {
      LOG.warn("stopping although requests are in flight");
    }
    sessions.forEach(SessionHandler::closeWhenSent);
    if (!await(sessions::isEmpty, deadlineNanos)) {
      LOG.warn("stopping although answers were not sent");
    }
  }

  private synchronized boolean await(BooleanSupplier condition, long deadlineNanos)
      throws InterruptedException {
    while (!condition.getAsBoolean()) {
      long leftMillis = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
      if (leftMillis <= 0) {
        return false;
      }
      wait(leftMillis);
    }
    return true;
  }

  /** After the last session's channel was closed. */
  void close(Duration timeout) throws InterruptedException {
    handshakes.shutdown();
    control.shutdown();
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    if (!control.awaitTermination(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
      LOG.warn("stopping although {} control requests are under way", control.getActiveCount());
    }
    lifecycle.shutdown();
    long leftNanos = Math.max(0, deadlineNanos - System.nanoTime());
    if (!lifecycle.awaitTermination(leftNanos, TimeUnit.NANOSECONDS)) {
      LOG.warn("stopping although the service was not told of every session's end");
    }
    workers.close();
  }
}
