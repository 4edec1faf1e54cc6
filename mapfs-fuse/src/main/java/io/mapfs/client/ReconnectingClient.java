package io.mapfs.client;

/**
 * A client that connects again, with a bounded back-off, for as long as it is open.
 *
 * <p>While there is no connection, gets wait for one until their deadline, and so do those whose
 * connection broke before the answer. Everything that changes something fails at once with
 * UNAVAILABLE: its owner knows what must come first after a new handshake.
 */
public interface ReconnectingClient extends ApplianceClient {
  /**
   * Connects in the background; returns at once.
   *
   * @param listener told of every change of state, in order, on a thread that must not block
   */
  static ReconnectingClient start(
      java.util.List<Endpoint> endpoints, ClientConfig config, ConnectionListener listener) {
    if (endpoints.isEmpty()) {
      throw new IllegalArgumentException("no address to connect to");
    }
    return null;
  }
}
