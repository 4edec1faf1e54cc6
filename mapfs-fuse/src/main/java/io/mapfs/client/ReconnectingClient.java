package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A client that connects again, with a bounded back-off, for as long as it is open.
 *
 * <p>What only reads (GetBlocks, GetTree, GetPosition, GetHead, Ping) waits for a connection until
 * its deadline, unless configured otherwise, and is sent again when the connection broke before the
 * answer. Everything else fails at once with UNAVAILABLE: its owner knows what must come first
 * after a new handshake, since a session's leases, imports and pins end with its connection.
 */
public final class ReconnectingClient implements ApplianceClient {
  private static final long FIRST_BACKOFF_MILLIS = 100;
  private static final long LAST_BACKOFF_MILLIS = 5_000;

  /** Between two attempts of a request that was refused for the moment. */
  private static final long RETRY_MILLIS = 50;

  private final List<Endpoint> endpoints;
  private final ClientConfig config;
  private final ConnectionListener listener;
  private final Thread connector;
  private final ScheduledThreadPoolExecutor timers;
  private final Semaphore waitingRoom;
  private final Queue<RetriedRequest<?>> waiting = new ConcurrentLinkedQueue<>();
  private final List<Consumer<ApplianceException>> disconnectListeners =
      new CopyOnWriteArrayList<>();
  private volatile PushHandler pushHandler;
  private volatile Connection current;
  private volatile Message.Welcome welcome;
  private volatile ApplianceException lastFailure;
  private volatile boolean closed;

  /**
   * Opens with the first connection, or when the appliance refuses to have any with this client.
   */
  private final CountDownLatch decided = new CountDownLatch(1);

  private ReconnectingClient(
      List<Endpoint> endpoints, ClientConfig config, ConnectionListener listener) {
    this.endpoints = List.copyOf(endpoints);
    this.config = config;
    this.listener = listener;
    this.waitingRoom = new Semaphore(config.maxPending());
    this.connector = Threads.daemon("mapfs-client-connect", this::connectForEver);
    this.timers =
        new ScheduledThreadPoolExecutor(1, task -> Threads.daemon("mapfs-client-retry", task));
    timers.setRemoveOnCancelPolicy(true);
    timers.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /**
   * Connects in the background; returns at once.
   *
   * @param endpoints the appliance's addresses, tried in turn; at least one
   * @param listener told of every change of state, in order, on one thread
   */
  public static ReconnectingClient start(
      List<Endpoint> endpoints, ClientConfig config, ConnectionListener listener) {
    if (endpoints.isEmpty()) {
      throw new IllegalArgumentException("no address to connect to");
    }
    ReconnectingClient client = new ReconnectingClient(endpoints, config, listener);
    client.connector.start();
    return client;
  }

  /**
   * Waits for the first connection.
   *
   * @throws ApplianceException why the last attempt failed, if there is none in time; DENIED at
   *     once if who this client is does not suffice
   */
  public void awaitConnected(Duration timeout) throws ApplianceException {
    try {
      if (decided.await(timeout.toNanos(), TimeUnit.NANOSECONDS) && welcome != null) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApplianceException(
          FailureCode.UNAVAILABLE, "interrupted while waiting for the appliance", e);
    }
    throw unavailable();
  }

  private ApplianceException unavailable() {
    ApplianceException cause = lastFailure;
    if (closed) {
      return new ApplianceException(FailureCode.UNAVAILABLE, "the client was closed");
    }
    return cause == null
        ? new ApplianceException(
            FailureCode.UNAVAILABLE, "not yet connected to the appliance at " + endpoints.get(0))
        : new ApplianceException(cause.code(), cause.getMessage(), cause);
  }

  // ---- connections ----

  private void connectForEver() {
    long backoffMillis = FIRST_BACKOFF_MILLIS;
    int attempt = 0;
    while (!closed) {
      Endpoint endpoint = endpoints.get(attempt++ % endpoints.size());
      try {
        Connection connection = Connection.open(endpoint, config);
        backoffMillis = FIRST_BACKOFF_MILLIS;
        serve(connection);
      } catch (ApplianceException e) {
        lastFailure = e;
        if (!closed) {
          listener.attemptFailed(e);
        }
        if (e.code() == FailureCode.DENIED) {
          decided.countDown();
        }
      } catch (RuntimeException e) {
        // Whatever it is, the node is not to stay cut off for it.
        lastFailure =
            new ApplianceException(FailureCode.INTERNAL, "the client failed to connect: " + e, e);
        listener.attemptFailed(lastFailure);
      }
      if (closed) {
        return;
      }
      try {
        // Spread out, so that a restarted appliance does not meet all nodes at one moment.
        Thread.sleep(backoffMillis / 2 + ThreadLocalRandom.current().nextLong(backoffMillis));
      } catch (InterruptedException e) {
        return; // close() interrupts
      }
      backoffMillis = Math.min(2 * backoffMillis, LAST_BACKOFF_MILLIS);
    }
  }

  /** Puts a connection to use until it breaks. */
  private void serve(Connection connection) throws ApplianceException {
    Message.Welcome before = welcome;
    Message.Welcome now = connection.welcome();
    if (before != null && !before.clusterId().equals(now.clusterId())) {
      connection.close();
      throw new ApplianceException(
          FailureCode.INCOMPATIBLE,
          "another appliance ("
              + now.clusterId()
              + ") answers where "
              + before.clusterId()
              + " did before; check the address");
    }
    CountDownLatch broken = new CountDownLatch(1);
    connection.onRequest(pushHandler);
    connection.onDisconnect(cause -> broken.countDown());
    welcome = now;
    current = connection;
    decided.countDown();
    ApplianceException cause;
    try {
      listener.connected(now);
      sendWaiting();
      if (connection.isConnected()) {
        broken.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // close() interrupts
    } finally {
      current = null;
      cause = connection.endedBy();
      connection.close();
    }
    if (!closed) {
      lastFailure = cause;
      listener.disconnected(cause);
      disconnectListeners.forEach(each -> each.accept(cause));
    }
  }

  private void sendWaiting() {
    RetriedRequest<?> request;
    while ((request = waiting.poll()) != null) {
      waitingRoom.release();
      request.run();
    }
  }

  // ---- requests ----

  @Override
  public Message.Welcome welcome() {
    return welcome;
  }

  @Override
  public boolean isConnected() {
    Connection connection = current;
    return connection != null && connection.isConnected();
  }

  @Override
  public <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority) {
    return request(request, reply, priority, config.timeouts().request());
  }

  @Override
  public <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority, Duration timeout) {
    if (isRetried(request)) {
      RetriedRequest<T> retried = new RetriedRequest<>(request, reply, priority, timeout);
      retried.run();
      return retried;
    }
    Connection connection = current;
    return connection == null
        ? CompletableFuture.failedFuture(unavailable())
        : connection.request(request, reply, priority, timeout);
  }

  private static boolean isRetried(Message request) {
    return request instanceof Message.GetBlocks
        || request instanceof Message.GetTree
        || request instanceof Message.GetPosition
        || request instanceof Message.GetHead
        || request instanceof Message.Ping;
  }

  @Override
  public JsonObject call(String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException {
    Connection connection = current;
    if (connection == null) {
      throw unavailable();
    }
    return connection.call(method, parameters, progress);
  }

  @Override
  public void onRequest(PushHandler handler) {
    pushHandler = handler;
    Connection connection = current;
    if (connection != null) {
      connection.onRequest(handler);
    }
  }

  @Override
  public void onDisconnect(Consumer<ApplianceException> listener) {
    disconnectListeners.add(listener);
  }

  @Override
  public void close() {
    closed = true;
    connector.interrupt();
    Connection connection = current;
    if (connection != null) {
      connection.close();
    }
    timers.shutdown();
    RetriedRequest<?> request;
    while ((request = waiting.poll()) != null) {
      request.completeExceptionally(unavailable());
    }
  }

  /** A request that is sent until it is answered, refused for good, or past its deadline. */
  private final class RetriedRequest<T extends Message> extends CompletableFuture<T> {
    private final Message request;
    private final Class<T> reply;
    private final Priority priority;
    private final long deadlineNanos;
    private volatile CompletableFuture<T> attempt;

    RetriedRequest(Message request, Class<T> reply, Priority priority, Duration timeout) {
      this.request = request;
      this.reply = reply;
      this.priority = priority;
      this.deadlineNanos = System.nanoTime() + timeout.toNanos();
    }

    void run() {
      long leftNanos = deadlineNanos - System.nanoTime();
      if (isDone()) {
        return;
      }
      Connection connection = current;
      if (leftNanos <= 0 || closed || (connection == null && config.failsOnLoss())) {
        completeExceptionally(unavailable());
      } else if (connection == null) {
        awaitConnection(leftNanos);
      } else {
        CompletableFuture<T> sent =
            connection.request(request, reply, priority, Duration.ofNanos(leftNanos));
        attempt = sent;
        var unused = sent.whenComplete(this::answered);
        if (isCancelled()) {
          sent.cancel(true);
        }
      }
    }

    private void answered(T message, Throwable failure) {
      if (failure == null) {
        complete(message);
      } else if (failure instanceof ApplianceException refusal
          && refusal.code() == FailureCode.UNAVAILABLE
          && deadlineNanos - System.nanoTime() > TimeUnit.MILLISECONDS.toNanos(RETRY_MILLIS)) {
        schedule(this::run, TimeUnit.MILLISECONDS.toNanos(RETRY_MILLIS));
      } else {
        completeExceptionally(failure);
      }
    }

    private void awaitConnection(long leftNanos) {
      if (!waitingRoom.tryAcquire()) {
        completeExceptionally(unavailable());
        return;
      }
      waiting.add(this);
      schedule(
          () -> {
            if (waiting.remove(this)) {
              waitingRoom.release();
              completeExceptionally(unavailable());
            }
          },
          leftNanos);
      if (current != null || closed) {
        // The connection came between the look and the queue.
        if (waiting.remove(this)) {
          waitingRoom.release();
          schedule(this::run, 0);
        }
      }
    }

    private void schedule(Runnable task, long delayNanos) {
      try {
        var unused = timers.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        completeExceptionally(unavailable());
      }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      boolean cancelled = super.cancel(mayInterruptIfRunning);
      CompletableFuture<T> sent = attempt;
      if (sent != null) {
        sent.cancel(mayInterruptIfRunning);
      }
      if (waiting.remove(this)) {
        waitingRoom.release();
      }
      return cancelled;
    }
  }
}
