package io.mapfs.client;

/**
 * How a client behaves.
 *
 * @param node the node's name; empty for an administrator's command
 * @param software this release, for people
 * @param maxPending most requests in flight; the next one waits for room
 */
public record ClientConfig(
    String node,
    String software,
    ClientTimeouts timeouts,
    int maxPending,
    ClientSecurity security) {
  private static final int MAX_PENDING = 256;

  /** The configuration of an administrator's command. */
  public static ClientConfig admin(String software) {
    return node("", software);
  }

  /** The configuration of a node. */
  public static ClientConfig node(String node, String software) {
    return new ClientConfig(
        node, software, ClientTimeouts.DEFAULTS, MAX_PENDING, ClientSecurity.PLAIN);
  }

  public ClientConfig withTimeouts(ClientTimeouts newTimeouts) {
    return new ClientConfig(node, software, newTimeouts, maxPending, security);
  }

  public ClientConfig withSecurity(ClientSecurity newSecurity) {
    return new ClientConfig(node, software, timeouts, maxPending, newSecurity);
  }
}
