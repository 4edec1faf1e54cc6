package io.mapfs.client;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;

/** Told when a {@link ReconnectingClient} gains or loses its connection. */
public interface ConnectionListener {
  /**
   * Hands were shaken; requests can be sent. What a session holds (lease, pins) is to be asked for
   * anew.
   */
  void connected(Message.Welcome welcome);

  /** The connection broke; attempts go on. */
  void disconnected(ApplianceException cause);

  /** An attempt failed; the next follows after the back-off. */
  default void attemptFailed(ApplianceException cause) {}
}
