package io.mapfs.server;

import io.mapfs.core.wire.Message;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** One client's connection, as the service sees it. Compared by identity. */
public interface Session {
  /** The node's name as the client gave it; empty for an administrator. */
  String node();

  /** The certificate by which the client proved who it is, verified; empty for none. */
  Optional<X509Certificate> certificate();

  /** Whether the client is who it says: on plain TCP, within one machine. */
  boolean isTrusted();

  /** Feature bits that are in force ({@link io.mapfs.core.wire.Protocol}). */
  long features();

  /** Address of the other end, for messages. */
  String peer();

  /** Whether the connection is still up. */
  boolean isOpen();

  /** Sends a request to the client (Barrier, Fence); fails when the connection breaks. */
  CompletableFuture<Message> request(Message message);

  /** Closes the connection. */
  void close();
}
