package io.mapfs.server.net;

import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Trust;
import io.mapfs.core.wire.FailureCode;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OptionalSslHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;

/** First in a connection's pipeline: has TLS spoken, and tells whoever does not. */
final class TlsGate extends OptionalSslHandler {
  private static final String PROTOCOL = "TLSv1.3";

  private final Executor handshakes;

  private TlsGate(SslContext context, Executor handshakes) {
    super(context);
    this.handshakes = handshakes;
  }

  /** Makes the gates of one server. */
  interface Factory {
    ChannelHandler gate();
  }

  /**
   * By the native library where there is one for this machine, else by the JDK. A client without a
   * certificate may shake hands, to ask for one.
   *
   * @param handshakes does what takes long in a handshake (a client's certificate is verified, and
   *     without the native library all of its cryptography), so that no event loop is held by it;
   *     where it refuses the connection ends
   */
  static Factory factory(Credential credential, Executor handshakes) throws SSLException {
    SslContext context =
        SslContextBuilder.forServer(
                credential.key(), credential.certificate(), credential.authority())
            .sslProvider(OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK)
            .protocols(PROTOCOL)
            .clientAuth(ClientAuth.OPTIONAL)
            .trustManager(Trust.inClients(credential.authority()))
            .build();
    return () -> new TlsGate(context, handshakes);
  }

  @Override
  protected SslHandler newSslHandler(ChannelHandlerContext context, SslContext tls) {
    return tls.newHandler(context.alloc(), handshakes);
  }

  @Override
  protected ChannelHandler newNonSslHandler(ChannelHandlerContext context) {
    return new Refusal();
  }

  /** What the client at the other end showed, verified; none before the handshake is done. */
  static Optional<X509Certificate> certificate(Channel channel) {
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    if (tls == null) {
      return Optional.empty();
    }
    try {
      Certificate[] chain = tls.engine().getSession().getPeerCertificates();
      return Optional.of((X509Certificate) chain[0]);
    } catch (SSLPeerUnverifiedException e) {
      return Optional.empty();
    }
  }

  /** Answers plain TCP with the reason why not, in plain TCP. */
  private static final class Refusal extends ChannelInboundHandlerAdapter {
    private boolean refused;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ReferenceCountUtil.release(message);
      if (refused) {
        return;
      }
      refused = true;
      var unused =
          ctx.channel()
              .writeAndFlush(
                  SessionHandler.failure(
                      0,
                      FailureCode.DENIED,
                      "this appliance speaks TLS alone: give --credential FILE, or join the node"
                          + " first (mapfs node join)"))
              .addListener(ChannelFutureListener.CLOSE);
    }
  }
}
