package io.mapfs.client;

/**
 * How a client behaves.
 *
 * @param node the node's name; empty for an administrator's command
 * @param software this release, for people
 * @param maxPending most requests in flight; the next one waits for room
 * @param failsOnLoss whether nothing waits for a connection while there is none
 */
public record ClientConfig(
    String node,
    String software,
    ClientTimeouts timeouts,
    int maxPending,
    ClientSecurity security,
    boolean failsOnLoss) {
  private static final int MAX_PENDING = 256;

  /** The configuration of an administrator's command. */
  public static ClientConfig admin(String software) {
    return node("", software);
  }

  /** The configuration of a node. */
  public static ClientConfig node(String node, String software) {
    return new ClientConfig(
        node, software, ClientTimeouts.DEFAULTS, MAX_PENDING, ClientSecurity.PLAIN, false);
  }

  public ClientConfig withTimeouts(ClientTimeouts newTimeouts) {
    return new ClientConfig(node, software, newTimeouts, maxPending, security, failsOnLoss);
  }

  public ClientConfig withSecurity(ClientSecurity newSecurity) {
    return new ClientConfig(node, software, timeouts, maxPending, newSecurity, failsOnLoss);
  }

  public ClientConfig withFailsOnLoss(boolean fails) {
    return new ClientConfig(node, software, timeouts, maxPending, security, fails);
  }
}
