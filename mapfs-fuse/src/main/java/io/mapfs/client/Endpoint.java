package io.mapfs.client;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;

/**
 * Where an appliance listens.
 *
 * @param host a name or an address; an IPv6 address without its brackets
 * @param port 1 to 65535
 */
public record Endpoint(String host, int port) {
  /** The port taken where none is given. */
  public static final int DEFAULT_PORT = 7400;

  /**
   * Reads {@code host}, {@code host:port} or {@code [v6]:port}.
   *
   * @throws ApplianceException INVALID if it is none of these
   */
  public static Endpoint parse(String text) throws ApplianceException {
    String host;
    String port;
    if (text.startsWith("[")) {
      int end = text.indexOf(']');
      host = end < 0 ? "" : text.substring(1, end);
      String rest = end < 0 ? "" : text.substring(end + 1);
      port = rest.startsWith(":") ? rest.substring(1) : rest.isEmpty() ? null : "";
    } else {
      int colon = text.lastIndexOf(':');
      host = colon < 0 ? text : text.substring(0, colon);
      port = colon < 0 ? null : text.substring(colon + 1);
    }
    int number = port == null ? DEFAULT_PORT : portNumber(port);
    boolean bareV6 = !text.startsWith("[") && host.indexOf(':') >= 0;
    if (host.isEmpty() || number < 0 || bareV6) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "'"
              + text
              + "' is no address of an appliance; give HOST:PORT, or [ADDRESS]:PORT for IPv6");
    }
    return new Endpoint(host, number);
  }

  private static int portNumber(String text) {
    if (text.isEmpty() || text.length() > 5 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return -1;
    }
    int port = Integer.parseInt(text);
    return port >= 1 && port <= 65_535 ? port : -1;
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
