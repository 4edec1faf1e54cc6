package io.mapfs.server.net;

import io.mapfs.core.security.Credential;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * How the block server behaves.
 *
 * @param host the address to listen on; a name or a literal
 * @param port the port; 0 for any that is free
 * @param credential the appliance's, for TLS; {@code null}: plain TCP, which only the loopback
 *     address may speak, and clients are who they say
 * @param software this release, for people
 * @param addresses where clients can reach the appliance's members, host:port; empty for the
 *     address that is listened on
 */
public record ServerConfig(
    String host,
    int port,
    Credential credential,
    String software,
    List<String> addresses,
    ServerBounds bounds,
    ServerTimeouts timeouts) {
  public ServerConfig {
    addresses = List.copyOf(addresses);
  }

  /** With the default bounds and timeouts. */
  public static ServerConfig listen(String host, int port, String software) {
    return new ServerConfig(
        host, port, null, software, List.of(), ServerBounds.defaults(), ServerTimeouts.DEFAULTS);
  }

  public ServerConfig withCredential(Credential own) {
    return new ServerConfig(host, port, own, software, addresses, bounds, timeouts);
  }

  public ServerConfig withBounds(UnaryOperator<ServerBounds> change) {
    return new ServerConfig(
        host, port, credential, software, addresses, change.apply(bounds), timeouts);
  }

  public ServerConfig withTimeouts(ServerTimeouts newTimeouts) {
    return new ServerConfig(host, port, credential, software, addresses, bounds, newTimeouts);
  }
}
