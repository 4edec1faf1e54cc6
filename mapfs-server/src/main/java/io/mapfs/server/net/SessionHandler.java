package io.mapfs.server.net;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.MalformedMessageException;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.MessageCodec;
import io.mapfs.core.wire.Priority;
import io.mapfs.core.wire.Protocol;
import io.mapfs.core.wire.UnknownMessageException;
import io.mapfs.server.Session;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection. Handler methods run on its event loop; {@link Session}'s come from any
 * thread.
 */
final class SessionHandler extends ChannelInboundHandlerAdapter implements Session {
  private static final Logger LOG = LoggerFactory.getLogger(SessionHandler.class);

  /** What the rest of a frame may take a byte, beyond its limit: 16 KiB/s. */
  private static final long NANOS_PER_BYTE_MOST = 1_000_000_000L / (16 * 1024);

  private enum State {
    /** Waits for Hello. */
    NEW,
    /** Is told why it is refused. */
    REFUSED,
    /** The service is told of the session. */
    OPENING,
    /** Hands were shaken. */
    OPEN,
    CLOSED
  }

  private final ServerContext server;
  private final FrameDecoder decoder;
  private final FrameEncoder encoder;
  private final ReadGate gate;
  private final Dispatcher dispatcher;
  private final Runnable admitted;
  private final ConcurrentHashMap<Integer, PendingPush> pushes = new ConcurrentHashMap<>();
  private final AtomicInteger lastPushId = new AtomicInteger();
  private final long connectedNanos = System.nanoTime();

  /** Changed on the event loop alone. */
  private volatile State state = State.NEW;

  private volatile Channel channel;
  private volatile String node = "";

  /** What the other end showed in the TLS handshake; {@code null} for nothing. */
  private volatile X509Certificate certificate;

  private volatile long features;
  private volatile String peer = "";

  /** When the client last gave a sign of life, or could not. */
  private long heardNanos = System.nanoTime();

  /** Whether the client broke the protocol: nothing more of it is looked at. */
  private boolean refused;

  private long pingedNanos = heardNanos;

  /**
   * @param admitted run when the other end has proved who it is
   */
  SessionHandler(
      ServerContext server,
      FrameDecoder decoder,
      FrameEncoder encoder,
      ReadGate gate,
      Runnable admitted) {
    this.admitted = admitted;
    this.server = server;
    this.decoder = decoder;
    this.encoder = encoder;
    this.gate = gate;
    this.dispatcher = new Dispatcher(server, this, gate);
    encoder.listener(dispatcher::holdBack);
  }

  // ---- the session, as the service sees it ----

  @Override
  public String node() {
    return node;
  }

  @Override
  public String peer() {
    return peer;
  }

  @Override
  public Optional<X509Certificate> certificate() {
    return Optional.ofNullable(certificate);
  }

  @Override
  public long features() {
    return features;
  }

  @Override
  public boolean isTrusted() {
    return server.config().credential() == null;
  }

  /** Whether the other end proved nothing, and so may do nothing but ask for a certificate. */
  private boolean isGuest() {
    return !isTrusted() && certificate == null;
  }

  @Override
  public boolean isOpen() {
    return state == State.OPEN && channel.isActive();
  }

  @Override
  public CompletableFuture<Message> request(Message message) {
    int id = lastPushId.incrementAndGet();
    PendingPush push = new PendingPush();
    pushes.put(id, push);
    send(Frame.request(id, Priority.JOURNAL, message));
    String what = message.getClass().getSimpleName();
    try {
      push.deadline(
          channel
              .eventLoop()
              .schedule(
                  () -> failPush(id, " did not answer " + what),
                  server.config().timeouts().push().toMillis(),
                  TimeUnit.MILLISECONDS));
    } catch (RejectedExecutionException e) {
      failPush(id, " is not connected any more"); // the server has stopped
    }
    if (state == State.CLOSED) {
      failPush(id, " is not connected any more");
    }
    return push.result();
  }

  private void failPush(int id, String why) {
    PendingPush push = pushes.remove(id);
    if (push != null) {
      push.fail(FailureCode.UNAVAILABLE, name() + why);
    }
  }

  @Override
  public void close() {
    var unused = channel.close();
  }

  /** Closes the connection after what waits was sent. */
  void closeWhenSent() {
    var unused =
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
  }

  /** The node and its address, for messages. */
  private String name() {
    return node.isEmpty() ? "the client at " + peer : "node " + node + " at " + peer;
  }

  @Override
  public String toString() {
    return name();
  }

  // ---- sending ----

  /** Sends a frame; from any thread. */
  void send(Frame frame) {
    int bytes = frame.lengthBytes();
    server.unsent().add(bytes);
    var unused = channel.writeAndFlush(frame).addListener(sent -> server.unsent().subtract(bytes));
  }

  // ---- event loop ----

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    channel = ctx.channel();
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    peer = server.textOf(channel.remoteAddress());
    server.connected(this);
    scheduleWatch(ctx);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    boolean wasOpened = state == State.OPEN || state == State.OPENING;
    state = State.CLOSED;
    server.disconnected(this);
    pushes.keySet().forEach(id -> failPush(id, " is not connected any more"));
    dispatcher.close(
        () -> {
          if (wasOpened) {
            server.lifecycle(() -> server.service().closed(this));
          }
        });
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object received) {
    FrameDecoder.Received frame = (FrameDecoder.Received) received;
    if (!accept(ctx, frame) && frame.held() > 0) {
      server.payloads().release(frame.held());
    }
  }

  /** Whether the dispatcher took the frame over, and its share of the budget with it. */
  private boolean accept(ChannelHandlerContext ctx, FrameDecoder.Received frame) {
    if (refused) {
      return false;
    }
    int id = frame.header().requestId();
    boolean reply = frame.header().isReply();
    Message message;
    try {
      message = MessageCodec.decode(frame.header(), frame.payload());
    } catch (MalformedMessageException e) {
      refuse(e);
      return false;
    } catch (UnknownMessageException e) {
      if (!reply && state == State.OPEN) {
        send(failure(id, FailureCode.INCOMPATIBLE, e.getMessage()));
      } else {
        refuse(new MalformedMessageException(e.getMessage()));
      }
      return false;
    }
    if (state == State.NEW && !reply && message instanceof Message.Hello hello) {
      shakeHands(ctx, id, hello);
    } else if (state != State.OPEN) {
      refuse(new MalformedMessageException("a message before the handshake"));
    } else if (reply) {
      PendingPush push = pushes.remove(id);
      if (push != null) {
        push.answer(message);
      }
    } else if (message instanceof Message.Ping) {
      send(Frame.reply(id, Priority.JOURNAL, new Message.Done()));
    } else if (message instanceof Message.Cancel cancel) {
      dispatcher.cancel(cancel.requestId());
    } else if (dispatcher.accept(frame.header(), frame.held(), message)) {
      return true;
    } else {
      refuse(new MalformedMessageException("two requests of one number"));
    }
    return false;
  }

  private void shakeHands(ChannelHandlerContext ctx, int id, Message.Hello hello) {
    int version;
    try {
      version = Protocol.commonVersion(hello);
      server.checkNode(hello.node());
    } catch (ApplianceException e) {
      refuseSession(id, e);
      return;
    }
    node = hello.node();
    features = hello.features() & Protocol.FEATURES;
    certificate = TlsGate.certificate(channel).orElse(null);
    state = State.OPENING;
    server.lifecycle(
        () -> {
          try {
            server.service().opened(this);
          } catch (ApplianceException e) {
            ctx.executor().execute(() -> refuseSession(id, e));
            return;
          }
          Message.Welcome welcome = server.welcome(version, features);
          ctx.executor().execute(() -> welcome(id, welcome));
        });
  }

  private void refuseSession(int id, ApplianceException e) {
    LOG.warn("refused {}: {}", peer, e.getMessage());
    if (state != State.CLOSED) {
      state = State.REFUSED;
      send(failure(id, e.code(), e.getMessage()));
      closeWhenSent();
    }
  }

  private void welcome(int id, Message.Welcome welcome) {
    if (state == State.OPENING) {
      state = State.OPEN;
      decoder.mostBytes(isGuest() ? Limits.MAX_JOIN_BYTES : Limits.MAX_FRAME_BYTES);
      if (!isGuest()) {
        admitted.run();
      }
      send(Frame.reply(id, Priority.JOURNAL, welcome));
    }
  }

  static Frame failure(int id, FailureCode code, String message) {
    return Frame.reply(id, Priority.JOURNAL, new Message.Failure(code, message));
  }

  private void refuse(MalformedMessageException e) {
    refused = true;
    LOG.warn("closed the connection of {}: {}", name(), e.getMessage());
    close();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof MalformedMessageException e) {
      refuse(e);
    } else if (cause instanceof DecoderException && cause.getCause() instanceof SSLException e) {
      LOG.info("refused the TLS handshake of {}: {}", name(), e.getMessage());
      close();
    } else if (cause instanceof IOException) {
      LOG.info("lost the connection of {}: {}", name(), cause.getMessage());
      close();
    } else {
      LOG.error("closed the connection of {}: the server failed", name(), cause);
      close();
    }
  }

  // ---- watching ----

  private void scheduleWatch(ChannelHandlerContext ctx) {
    var unused =
        ctx.executor()
            .schedule(
                () -> {
                  if (state != State.CLOSED) {
                    watch();
                    scheduleWatch(ctx);
                  }
                },
                server.watchMillis(),
                TimeUnit.MILLISECONDS);
  }

  private void watch() {
    ServerTimeouts timeouts = server.config().timeouts();
    long now = System.nanoTime();
    long keepAliveNanos = timeouts.keepAlive().toNanos();
    if (decoder.heardNanos() - heardNanos > 0) {
      heardNanos = decoder.heardNanos();
    }
    String fault = null;
    if (state == State.NEW && now - connectedNanos > timeouts.handshake().toNanos()) {
      fault = "no handshake";
    } else if (isGuest() && now - connectedNanos > 2 * timeouts.handshake().toNanos()) {
      fault = "it did not join in time";
    } else if (decoder.begunNanos() != 0
        && gate.isOpen()
        && now - decoder.begunNanos()
            > timeouts.frame().toNanos() + decoder.begunBytes() * NANOS_PER_BYTE_MOST) {
      fault = "a frame that does not end";
    } else if (now - encoder.stalledSinceNanos(now)
        > (server.unsent().isExhausted() ? keepAliveNanos / 2 : 3 * keepAliveNanos)) {
      fault = "it does not read";
    } else if (!gate.isOpen()) {
      heardNanos = now; // silence of our own making
      if (now - pingedNanos > keepAliveNanos / 4) {
        // The client's question whether we live is not read either.
        ping(now);
      }
    } else if (now - heardNanos > 3 * keepAliveNanos) {
      fault = "no sign of life";
    } else if (state == State.OPEN
        && now - pingedNanos > keepAliveNanos / 4
        && isBusySending(now, keepAliveNanos / 4)) {
      // The client's question waits behind its own frame.
      ping(now);
    } else if (state == State.OPEN
        && now - heardNanos > keepAliveNanos
        && now - pingedNanos > keepAliveNanos) {
      ping(now);
    }
    if (fault != null) {
      LOG.warn("closed the connection of {}: {}", name(), fault);
      close();
    }
  }

  /** Whether the client has been at one frame for so long, and still is. */
  private boolean isBusySending(long now, long nanos) {
    return decoder.begunNanos() != 0
        && now - decoder.begunNanos() > nanos
        && now - heardNanos < nanos;
  }

  /** Its answer shows in {@link #heardNanos}; nobody waits for it. */
  private void ping(long now) {
    pingedNanos = now;
    send(Frame.request(lastPushId.incrementAndGet(), Priority.JOURNAL, new Message.Ping()));
  }

  /** Runs on the threads of {@link ServerContext#control}; false if there are too many. */
  boolean control(Runnable task) {
    try {
      server.control().execute(task);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }
}
