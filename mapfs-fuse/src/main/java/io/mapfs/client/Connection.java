package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.security.PlainTcp;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.MalformedMessageException;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.MessageCodec;
import io.mapfs.core.wire.Priority;
import io.mapfs.core.wire.Protocol;
import io.mapfs.core.wire.UnknownMessageException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;

/**
 * One connection to the appliance: a thread that reads, one that writes, and one that watches
 * deadlines and signs of life. It ends once, by {@link #end}, which fails all that is in flight.
 */
final class Connection implements ApplianceClient {
  /** The handshake's request id; other requests take 1 and up. */
  private static final int HANDSHAKE_ID = 0;

  /** How long the reason of a refusal is waited for when the other end hung up. */
  private static final long REFUSAL_MILLIS = 1_000;

  /** Room beyond {@link ClientConfig#maxPending} for what someone waits for most. */
  private static final int URGENT_ROOM = 64;

  private final Endpoint endpoint;
  private final ClientConfig config;
  private final Transport transport;
  private final SendQueue queue = new SendQueue();
  private final PushRequests pushes = new PushRequests();
  private final ConcurrentHashMap<Integer, PendingRequest<?>> pending = new ConcurrentHashMap<>();
  private final Semaphore room;
  private final AtomicInteger lastId = new AtomicInteger(HANDSHAKE_ID);
  private final List<Consumer<ApplianceException>> listeners = new CopyOnWriteArrayList<>();

  /** Why the connection ended; {@code null} while it lives. */
  private final AtomicReference<ApplianceException> ended = new AtomicReference<>();

  private final Thread reader;
  private final Thread writer;
  private final Thread watcher;
  private final Liveness liveness;
  private final FrameReader frames;

  /** When the watcher looks again; it is woken for anything earlier. */
  private volatile long watchNanos;

  private volatile Message.Welcome welcome;

  private Connection(Endpoint endpoint, ClientConfig config, Transport transport) {
    this.endpoint = endpoint;
    this.config = config;
    this.transport = transport;
    this.liveness = new Liveness(config.timeouts().keepAlive().toNanos(), System.nanoTime());
    this.frames = new FrameReader(transport, liveness);
    this.room = new Semaphore(config.maxPending() + URGENT_ROOM);
    this.reader = Threads.daemon("mapfs-client-read", this::read);
    this.writer = Threads.daemon("mapfs-client-write", this::write);
    this.watcher = Threads.daemon("mapfs-client-watch", this::watch);
  }

  static Connection open(Endpoint endpoint, ClientConfig config) throws ApplianceException {
    long beginNanos = System.nanoTime();
    Transport transport = connect(endpoint, config);
    Connection connection = new Connection(endpoint, config, transport);
    connection.start(
        config.timeouts().connect().minusNanos(System.nanoTime() - beginNanos).toNanos());
    return connection;
  }

  private static Transport connect(Endpoint endpoint, ClientConfig config)
      throws ApplianceException {
    InetSocketAddress address = new InetSocketAddress(endpoint.host(), endpoint.port());
    if (address.isUnresolved()) {
      throw unreachable(endpoint, "no such host", null);
    }
    Duration timeout = config.timeouts().connect();
    try {
      if (!(config.security() instanceof ClientSecurity.Plain)) {
        return TlsTransport.connect(address, timeout, config.security());
      }
      if (!PlainTcp.isAllowed(address.getAddress())) {
        throw new ApplianceException(
            FailureCode.DENIED,
            "refused to reach "
                + endpoint
                + " without TLS, which only the loopback address may do: "
                + (config.node().isEmpty()
                    ? "give --credential FILE (mapfs admin add)"
                    : "join first (mapfs node join)"));
      }
      return SocketTransport.connect(address, timeout);
    } catch (SSLException e) {
      throw unproven(endpoint, e);
    } catch (IOException e) {
      throw unreachable(endpoint, reason(e), e);
    }
  }

  /** One end did not prove to the other who it is. */
  private static ApplianceException unproven(Endpoint endpoint, SSLException e) {
    Throwable root = e;
    while (root.getCause() != null && !(root instanceof CertificateException)) {
      root = root.getCause();
    }
    return new ApplianceException(
        FailureCode.DENIED,
        "no TLS connection to "
            + endpoint
            + ": "
            + root.getMessage()
            + "; is it the right appliance and credential, and not served with --insecure?",
        e);
  }

  private static ApplianceException unreachable(Endpoint endpoint, String why, IOException cause) {
    return new ApplianceException(
        FailureCode.UNAVAILABLE,
        "cannot reach the appliance at "
            + endpoint
            + ": "
            + why
            + "; is `mapfs appliance serve` running?",
        cause);
  }

  /** An exception's own words, on one line and without a capital. */
  private static String reason(IOException e) {
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    String line = text.lines().findFirst().orElse(text);
    return line.isEmpty() ? line : Character.toLowerCase(line.charAt(0)) + line.substring(1);
  }

  private void start(long handshakeNanos) throws ApplianceException {
    PendingRequest<Message.Welcome> handshake =
        new PendingRequest<>(
            HANDSHAKE_ID,
            "the handshake",
            Message.Welcome.class,
            Duration.ofNanos(Math.max(1, handshakeNanos)),
            null);
    pending.put(HANDSHAKE_ID, handshake);
    queue.add(
        Frame.request(
            HANDSHAKE_ID,
            Priority.JOURNAL,
            new Message.Hello(
                Protocol.LOWEST_VERSION,
                Protocol.HIGHEST_VERSION,
                Protocol.FEATURES,
                config.node(),
                config.software())),
        Priority.JOURNAL,
        handshake);
    watchNanos = handshake.deadlineNanos();
    reader.start();
    writer.start();
    watcher.start();
    try {
      welcome = ApplianceClient.await(handshake);
    } catch (ApplianceException e) {
      end(e, false);
      throw e;
    }
  }

  /** Why the connection ended; {@code null} while it lives. */
  ApplianceException endedBy() {
    return ended.get();
  }

  // ---- requests ----

  @Override
  public Message.Welcome welcome() {
    return welcome;
  }

  @Override
  public boolean isConnected() {
    return ended.get() == null;
  }

  @Override
  public <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority) {
    return request(request, reply, priority, config.timeouts().request());
  }

  @Override
  public <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority, Duration timeout) {
    return send(request, reply, priority, timeout, null);
  }

  @Override
  public JsonObject call(String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException {
    return ApplianceClient.await(
            send(
                new Message.Call(method, parameters),
                Message.CallResult.class,
                Priority.JOURNAL,
                config.timeouts().call(),
                progress))
        .result();
  }

  private <T extends Message> PendingRequest<T> send(
      Message request,
      Class<T> reply,
      Priority priority,
      Duration timeout,
      Consumer<JsonObject> progress) {
    PendingRequest<T> pendingRequest =
        new PendingRequest<>(
            nextId(), request.getClass().getSimpleName(), reply, timeout, progress);
    if (!takeRoom(pendingRequest, priority, timeout)) {
      return pendingRequest;
    }
    pending.put(pendingRequest.id(), pendingRequest);
    var unused = pendingRequest.whenComplete((message, failure) -> finished(pendingRequest));
    try {
      queue.add(Frame.request(pendingRequest.id(), priority, request), priority, pendingRequest);
    } catch (IllegalArgumentException e) {
      pendingRequest.fail(FailureCode.INVALID, e.getMessage());
      return pendingRequest;
    }
    ApplianceException cause = ended.get();
    if (cause != null) {
      pendingRequest.fail(cause.code(), cause.getMessage());
    } else if (pendingRequest.deadlineNanos() - watchNanos < 0) {
      LockSupport.unpark(watcher);
    }
    return pendingRequest;
  }

  private int nextId() {
    int id;
    do {
      id = lastId.incrementAndGet();
    } while (id == HANDSHAKE_ID || pending.containsKey(id));
    return id;
  }

  /** Waits until there is room for one more; the reader, which makes room, never waits. */
  private boolean takeRoom(PendingRequest<?> request, Priority priority, Duration timeout) {
    if (Thread.currentThread() == reader) {
      if (room.tryAcquire()) {
        return true;
      }
      request.fail(FailureCode.UNAVAILABLE, "too many requests in flight to the appliance");
      return false;
    }
    int reserved = priority == Priority.JOURNAL ? 0 : URGENT_ROOM;
    try {
      if (room.tryAcquire(1 + reserved, timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        room.release(reserved);
        return true;
      }
      request.expire(endpoint);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      request.cancel(true);
    }
    return false;
  }

  /** However it came about that the request is done. */
  private void finished(PendingRequest<?> request) {
    room.release();
    if (pending.remove(request.id(), request) && request.wasSent() && isConnected()) {
      // Done without an answer: cancelled, or past its deadline.
      queue.add(
          Frame.request(nextId(), Priority.JOURNAL, new Message.Cancel(request.id())),
          Priority.JOURNAL,
          null);
    }
  }

  // ---- what the appliance asks ----

  @Override
  public void onRequest(PushHandler handler) {
    pushes.handler(handler);
  }

  @Override
  public void onDisconnect(Consumer<ApplianceException> listener) {
    listeners.add(listener);
  }

  // ---- threads ----

  private void read() {
    try {
      while (true) {
        accept(frames.next());
      }
    } catch (MalformedMessageException e) {
      end(
          welcome == null
              ? new ApplianceException(
                  FailureCode.INCOMPATIBLE,
                  endpoint + " does not speak the MapFS protocol: " + e.getMessage(),
                  e)
              : lost(e.getMessage(), e),
          true);
    } catch (SSLException e) {
      end(welcome == null ? unproven(endpoint, e) : lost(reason(e), e), true);
    } catch (IOException e) {
      end(lost(reason(e), e), true);
    } catch (RuntimeException | Error e) {
      end(lost("the client failed: " + e, e), true);
      throw e;
    }
  }

  private void accept(FrameReader.Received received) throws IOException {
    int id = received.header().requestId();
    Message message;
    try {
      message = MessageCodec.decode(received.header(), received.payload());
    } catch (UnknownMessageException e) {
      message = new Message.Failure(FailureCode.INCOMPATIBLE, e.getMessage());
      if (!received.header().isReply()) {
        reply(id, message);
        return;
      }
    }
    if (!received.header().isReply()) {
      acceptRequest(id, message);
    } else if (message instanceof Message.CallProgress progress) {
      PendingRequest<?> request = pending.get(id);
      if (request != null) {
        request.progress(progress.progress());
      }
    } else {
      PendingRequest<?> request = pending.remove(id);
      if (request != null) {
        request.answer(message);
      } // else it was cancelled or came too late
    }
  }

  private void acceptRequest(int id, Message message) {
    if (message instanceof Message.Ping) {
      reply(id, new Message.Done());
    } else if (message instanceof Message.Barrier
        || message instanceof Message.Fence
        || message instanceof Message.ChangeQuota) {
      pushes.accept(message, answer -> reply(id, answer));
    } else if (!(message instanceof Message.Cancel)) {
      reply(
          id,
          new Message.Failure(
              FailureCode.INVALID,
              "a client is not asked for " + message.getClass().getSimpleName()));
    }
  }

  private void reply(int id, Message message) {
    queue.add(Frame.reply(id, Priority.JOURNAL, message), Priority.JOURNAL, null);
  }

  private void write() {
    try {
      while (true) {
        List<Frame> frames = queue.take();
        if (frames.isEmpty()) {
          return;
        }
        List<ByteBuffer> parts = new ArrayList<>();
        for (Frame frame : frames) {
          parts.addAll(List.of(frame.parts()));
        }
        transport.write(parts.toArray(new ByteBuffer[0]));
      }
    } catch (IOException e) {
      try {
        if (welcome == null) {
          // Whoever refuses a certificate says so and hangs up: the reader may have it yet to read.
          reader.join(REFUSAL_MILLIS);
        }
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      end(lost(reason(e), e), true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      end(lost("the client's writer was interrupted", e), true);
    }
  }

  /** Ends requests past their deadline and connections without a sign of life. */
  private void watch() {
    while (isConnected()) {
      long now = System.nanoTime();
      switch (liveness.look(now)) {
        case ALIVE -> {}
        case ASK ->
            queue.add(
                Frame.request(nextId(), Priority.JOURNAL, new Message.Ping()),
                Priority.JOURNAL,
                null);
        case DEAD -> {
          long seconds = TimeUnit.NANOSECONDS.toSeconds(liveness.silentNanos());
          end(lost("no sign of life for " + seconds + " s", null), true);
          return;
        }
      }
      long next = now + liveness.lookAgainNanos();
      // Published before the look, so that a request that comes meanwhile wakes this thread.
      watchNanos = next;
      for (PendingRequest<?> request : pending.values()) {
        // The handshake has its time, and no more.
        long deadline =
            welcome == null ? request.deadlineNanos() : request.deadlineNanos(frames.partNanos());
        if (deadline - now <= 0) {
          request.expire(endpoint);
        } else if (deadline - next < 0) {
          next = deadline;
        }
      }
      watchNanos = next;
      long parkNanos = next - System.nanoTime();
      if (parkNanos > 0) {
        LockSupport.parkNanos(this, parkNanos);
      }
    }
  }

  private ApplianceException lost(String why, Throwable cause) {
    return new ApplianceException(
        FailureCode.UNAVAILABLE,
        (welcome == null ? "cannot reach the appliance at " : "lost the appliance at ")
            + endpoint
            + ": "
            + why,
        cause);
  }

  /** Ends the connection, once. */
  private void end(ApplianceException cause, boolean announce) {
    if (!ended.compareAndSet(null, cause)) {
      return;
    }
    queue.close();
    pushes.close();
    try {
      transport.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
    LockSupport.unpark(watcher);
    for (PendingRequest<?> request : pending.values()) {
      request.fail(cause.code(), cause.getMessage());
    }
    if (announce) {
      for (Consumer<ApplianceException> listener : listeners) {
        listener.accept(cause);
      }
    }
  }

  @Override
  public void close() {
    end(
        new ApplianceException(
            FailureCode.UNAVAILABLE, "the connection to " + endpoint + " was closed here"),
        false);
  }
}
