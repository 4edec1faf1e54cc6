package io.mapfs.server;

import io.mapfs.core.wire.Message;
import java.util.concurrent.CompletableFuture;

/** One client's connection, as the service sees it. Compared by identity. */
public interface Session {
  /** The node's name from the handshake; empty for an administrator. */
  String node();

  /** Address of the other end, for messages. */
  String peer();

  /** Whether the connection is still up. */
  boolean isOpen();

  /** Sends a request to the client (Barrier, Fence); fails when the connection breaks. */
  CompletableFuture<Message> request(Message message);

  /** Closes the connection. */
  void close();
}
