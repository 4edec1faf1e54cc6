package io.mapfs.client;

import io.mapfs.core.security.Credential;
import io.mapfs.core.security.OwnKey;
import io.mapfs.core.security.Trust;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.time.Duration;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;

/** TLS 1.3 by the JDK, blocking. */
final class TlsTransport implements Transport {
  private static final String PROTOCOL = "TLSv1.3";

  /** Content of four records. */
  private static final int BUFFER_BYTES = 64 * 1024;

  /** Closed in place of the socket over it, whose close would wait for a writer that is stuck. */
  private final Socket plain;

  private final InputStream in;
  private final OutputStream out;
  private final byte[] received = new byte[BUFFER_BYTES];
  private final byte[] unsent = new byte[BUFFER_BYTES];

  private TlsTransport(Socket plain, SSLSocket secured) throws IOException {
    this.plain = plain;
    this.in = secured.getInputStream();
    this.out = secured.getOutputStream();
  }

  /** Connects and shakes hands within the timeout. */
  static TlsTransport connect(InetSocketAddress address, Duration timeout, ClientSecurity security)
      throws IOException {
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    Socket plain = new Socket();
    try {
      plain.setTcpNoDelay(true);
      plain.connect(address, millisUntil(deadlineNanos));
      SSLSocket secured =
          (SSLSocket)
              context(security)
                  .getSocketFactory()
                  .createSocket(plain, address.getHostString(), address.getPort(), true);
      secured.setEnabledProtocols(new String[] {PROTOCOL});
      plain.setSoTimeout(millisUntil(deadlineNanos));
      secured.startHandshake();
      plain.setSoTimeout(0);
      return new TlsTransport(plain, secured);
    } catch (IOException | RuntimeException e) {
      plain.close();
      throw e;
    }
  }

  private static int millisUntil(long deadlineNanos) {
    return (int) Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000);
  }

  /** New for each connection: no session is resumed, so that each proves who it is. */
  private static SSLContext context(ClientSecurity security) throws IOException {
    KeyManager[] keys = {};
    TrustManager trust;
    if (security instanceof ClientSecurity.Certified certified) {
      Credential credential = certified.credential();
      keys = new KeyManager[] {new OwnKey(credential)};
      trust = Trust.inAppliance(credential.authority());
    } else if (security instanceof ClientSecurity.Joining joining) {
      trust = Trust.inAppliance(joining.token().authority());
    } else {
      throw new IllegalArgumentException("plain TCP is no TLS");
    }
    try {
      SSLContext context = SSLContext.getInstance(PROTOCOL);
      context.init(keys, new TrustManager[] {trust}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("this Java has no " + PROTOCOL, e);
    }
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    int bytes = in.read(received, 0, Math.min(received.length, target.remaining()));
    if (bytes > 0) {
      target.put(received, 0, bytes);
    }
    return bytes;
  }

  @Override
  public void write(ByteBuffer[] parts) throws IOException {
    int filled = 0;
    for (ByteBuffer part : parts) {
      while (part.hasRemaining()) {
        int bytes = Math.min(part.remaining(), unsent.length - filled);
        part.get(unsent, filled, bytes);
        filled += bytes;
        if (filled == unsent.length) {
          out.write(unsent, 0, filled);
          filled = 0;
        }
      }
    }
    out.write(unsent, 0, filled);
  }

  @Override
  public void close() throws IOException {
    plain.close();
  }
}
