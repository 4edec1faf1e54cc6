package io.mapfs.server.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.mapfs.core.security.CertificateAuthority;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Role;
import io.mapfs.core.security.Trust;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who does the work of a handshake: one event loop serves everybody here. */
final class TlsGateTest {
  private static final int SHAKEN = 'k';
  private static final int TIMEOUT_MILLIS = 30_000;

  /** Keeps the work until the test does it. */
  private static final class Kept implements Executor {
    final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    volatile boolean full;

    @Override
    public void execute(Runnable task) {
      if (full) {
        throw new RejectedExecutionException("no room");
      }
      tasks.add(task);
    }
  }

  private final CertificateAuthority authority = CertificateAuthority.create("0".repeat(32));
  private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Kept kept = new Kept();
  private Channel listener;

  @BeforeEach
  void listen() throws Exception {
    TlsGate.Factory gates =
        TlsGate.factory(authority.credential(Role.APPLIANCE, "appliance"), kept);
    listener =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(gates.gate(), new Shaken());
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), 0)
            .sync()
            .channel();
  }

  /** Tells the client that its handshake is done at this end, too. */
  private static final class Shaken extends ChannelInboundHandlerAdapter {
    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event instanceof SslHandshakeCompletionEvent done && done.isSuccess()) {
        var unused = ctx.writeAndFlush(ctx.alloc().buffer(1).writeByte(SHAKEN));
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      var unused = ctx.close();
    }
  }

  @AfterEach
  void close() throws Exception {
    loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
  }

  private InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** What a client with this credential gets: {@link #SHAKEN}, or the connection's end. */
  private CompletableFuture<Integer> shakeHands(Credential credential) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (Socket socket = tls(credential).getSocketFactory().createSocket()) {
            socket.connect(address(), TIMEOUT_MILLIS);
            socket.setSoTimeout(TIMEOUT_MILLIS);
            socket.getOutputStream().write(1);
            return socket.getInputStream().read();
          } catch (IOException e) {
            return -1;
          }
        });
  }

  private SSLContext tls(Credential credential) {
    try {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(null, null);
      keys.setKeyEntry(
          "own",
          credential.key(),
          new char[0],
          new Certificate[] {credential.certificate(), credential.authority()});
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(keys, new char[0]);
      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(
          managers.getKeyManagers(),
          new TrustManager[] {Trust.inAppliance(authority.certificate())},
          null);
      return context;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private int finish(CompletableFuture<Integer> client) throws Exception {
    while (!client.isDone()) {
      Runnable task = kept.tasks.poll(10, TimeUnit.MILLISECONDS);
      if (task != null) {
        task.run();
      }
    }
    return client.get();
  }

  @Test
  void aHandshakeThatTakesLongHoldsNobodyUp() throws Exception {
    CompletableFuture<Integer> client = shakeHands(authority.credential(Role.NODE, "web01"));
    Runnable work = kept.tasks.poll(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    assertNotNull(work, "the handshake's work is not done by the event loop");
    // The loop serves another meanwhile: there are no frames here, so it is sent away.
    try (Socket plain = new Socket(address().getAddress(), address().getPort())) {
      plain.setSoTimeout(TIMEOUT_MILLIS);
      plain.getOutputStream().write(new byte[64]);
      assertEquals(-1, plain.getInputStream().read());
    }
    assertFalse(client.isDone());
    work.run();
    assertEquals(SHAKEN, finish(client));
  }

  @Test
  void withoutRoomForMoreTheConnectionEndsAndLaterOnesDoNot() throws Exception {
    kept.full = true;
    assertEquals(-1, finish(shakeHands(authority.credential(Role.NODE, "web01"))));
    kept.full = false;
    assertEquals(SHAKEN, finish(shakeHands(authority.credential(Role.NODE, "web01"))));
  }
}
