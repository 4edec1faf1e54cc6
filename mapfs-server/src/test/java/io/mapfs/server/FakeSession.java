package io.mapfs.server;

import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Protocol;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** A connection that answers pushes by a function. */
public final class FakeSession implements Session {
  private final String node;
  private final X509Certificate certificate;
  private final boolean trusted;
  private boolean open = true;
  public long features = Protocol.FEATURES;
  public final List<Message> pushed = new ArrayList<>();
  public Function<Message, Message> answers = message -> new Message.Done();

  /** Within one machine, over plain TCP. */
  public FakeSession(String node) {
    this(node, null, true);
  }

  private FakeSession(String node, X509Certificate certificate, boolean trusted) {
    this.node = node;
    this.certificate = certificate;
    this.trusted = trusted;
  }

  /** Over TLS, with this certificate; {@code null} for none. */
  public static FakeSession overTls(String node, X509Certificate certificate) {
    return new FakeSession(node, certificate, false);
  }

  @Override
  public String node() {
    return node;
  }

  @Override
  public Optional<X509Certificate> certificate() {
    return Optional.ofNullable(certificate);
  }

  @Override
  public boolean isTrusted() {
    return trusted;
  }

  @Override
  public long features() {
    return features;
  }

  @Override
  public String peer() {
    return "test:" + node;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public CompletableFuture<Message> request(Message message) {
    pushed.add(message);
    if (!open) {
      return CompletableFuture.failedFuture(new IOException("the connection broke"));
    }
    Message answer = answers.apply(message);
    return answer == null ? new CompletableFuture<>() : CompletableFuture.completedFuture(answer);
  }

  @Override
  public void close() {
    open = false;
  }
}
