package io.mapfs.server.net;

import io.mapfs.core.security.PlainTcp;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.Limits;
import io.mapfs.server.ApplianceService;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listens for clients and serves them. */
public final class BlockServer implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(BlockServer.class);
  private static final int BACKLOG = 512;

  /** Bytes asked of the socket at a time. */
  private static final int RECEIVE_BYTES = 128 * 1024;

  /** Times in a row, before other connections have their turn. */
  private static final int RECEIVES = 4;

  /** What a connection may hold in native memory to be sent: enough to keep the socket busy. */
  private static final WriteBufferWaterMark IN_SOCKET_BYTES =
      new WriteBufferWaterMark(128 * 1024, 384 * 1024);

  private final ServerContext context;
  private final EventLoopGroup loops;
  private final Channel listener;
  private final AtomicBoolean closed = new AtomicBoolean();

  private BlockServer(ServerContext context, EventLoopGroup loops, Channel listener) {
    this.context = context;
    this.loops = loops;
    this.listener = listener;
  }

  /**
   * Listens.
   *
   * @throws IOException with one line for people if the address cannot be listened on
   */
  public static BlockServer start(ServerConfig config, ApplianceService service)
      throws IOException {
    InetSocketAddress address = new InetSocketAddress(config.host(), config.port());
    if (address.isUnresolved()) {
      throw new IOException("cannot listen on " + config.host() + ": no such address");
    }
    ServerContext context = new ServerContext(service, config);
    TlsGate.Factory tls = null;
    if (config.credential() != null) {
      tls = TlsGate.factory(config.credential(), context.handshakes());
    } else if (!PlainTcp.isAllowed(address.getAddress())) {
      throw plainTcpRefused(config.host());
    }
    boolean epoll = Epoll.isAvailable();
    IoHandlerFactory factory = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    EventLoopGroup loops =
        new MultiThreadIoEventLoopGroup(
            Math.min(8, Runtime.getRuntime().availableProcessors()),
            new DefaultThreadFactory("mapfs-net", true),
            factory);
    ConnectionGate gate = new ConnectionGate(config.bounds().connections());
    Class<? extends ServerChannel> type =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    try {
      Channel listener =
          new ServerBootstrap()
              .group(loops)
              .channel(type)
              .option(ChannelOption.SO_BACKLOG, BACKLOG)
              .option(ChannelOption.SO_REUSEADDR, true)
              .childOption(ChannelOption.TCP_NODELAY, true)
              .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
              .childOption(
                  ChannelOption.RECVBUF_ALLOCATOR,
                  new FixedRecvByteBufAllocator(RECEIVE_BYTES).maxMessagesPerRead(RECEIVES))
              .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, IN_SOCKET_BYTES)
              .childHandler(new Pipeline(context, gate, tls))
              .bind(address)
              .sync()
              .channel();
      BlockServer server = new BlockServer(context, loops, listener);
      context.addresses(
          config.addresses().isEmpty()
              ? List.of(context.textOf(listener.localAddress()))
              : config.addresses());
      LOG.info("listening on {}", server.address());
      return server;
    } catch (Exception e) {
      context.workers().close();
      var unused = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while starting to listen");
      }
      throw cannotListen(config, e);
    }
  }

  private static IOException plainTcpRefused(String host) {
    String why =
        "refused to listen on "
            + host
            + " without TLS, which only the loopback address may do: leave --insecure out";
    return new IOException(why, new ApplianceException(FailureCode.DENIED, why));
  }

  private static IOException cannotListen(ServerConfig config, Exception e) {
    String where = config.host() + ":" + config.port();
    boolean used = String.valueOf(e.getMessage()).contains("in use");
    IOException failure =
        used
            ? new BindException(
                "cannot listen on "
                    + where
                    + ": the port is in use; is an appliance running already, or choose another"
                    + " with --listen")
            : new IOException("cannot listen on " + where + ": " + e.getMessage());
    failure.initCause(e);
    return failure;
  }

  /** Where clients are listened for. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** Refuses new requests, finishes those in flight within the configured time, and stops. */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      listener.close().sync();
      context.drain(context.config().timeouts().stop());
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
      context.close(context.config().timeouts().stop());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while stopping");
    }
  }

  /** Makes each connection's handlers. */
  private static final class Pipeline extends ChannelInitializer<Channel> {
    private final ServerContext context;
    private final ConnectionGate gate;

    /** {@code null} for plain TCP. */
    private final TlsGate.Factory tls;

    Pipeline(ServerContext context, ConnectionGate gate, TlsGate.Factory tls) {
      this.context = context;
      this.gate = gate;
      this.tls = tls;
    }

    @Override
    protected void initChannel(Channel channel) {
      FrameEncoder encoder = new FrameEncoder();
      channel.pipeline().addLast(encoder);
      InetAddress peer = ((InetSocketAddress) channel.remoteAddress()).getAddress();
      if (!gate.enter(peer, channel)) {
        refuse(channel);
        return;
      }
      channel.closeFuture().addListener(future -> gate.leave(peer, channel));
      ReadGate reading = new ReadGate(channel);
      FrameDecoder decoder =
          new FrameDecoder(
              context.turns(), context.payloads(), reading, Limits.MAX_HANDSHAKE_BYTES);
      channel
          .pipeline()
          .addFirst(new FlushConsolidationHandler(64, true))
          .addLast(
              decoder,
              new SessionHandler(
                  context, decoder, encoder, reading, () -> gate.admit(peer, channel)));
      if (tls != null) {
        channel.pipeline().addFirst(tls.gate());
      }
    }

    private void refuse(Channel channel) {
      Frame last =
          SessionHandler.failure(
              0,
              FailureCode.UNAVAILABLE,
              "the appliance has too many connections; try again later");
      var unused = channel.writeAndFlush(last).addListener(ChannelFutureListener.CLOSE);
    }
  }
}
