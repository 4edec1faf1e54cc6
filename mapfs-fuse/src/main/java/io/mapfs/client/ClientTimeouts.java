package io.mapfs.client;

import java.time.Duration;

/**
 * How long a client waits.
 *
 * @param connect for the TCP connection and the handshake together
 * @param request deadline of a request that names none
 * @param call longest silence during a control call: each progress message starts it anew
 * @param keepAlive silence after which the other end is asked for a sign of life; the connection is
 *     given up when as much time again passes without one
 */
public record ClientTimeouts(
    Duration connect, Duration request, Duration call, Duration keepAlive) {
  public static final ClientTimeouts DEFAULTS =
      new ClientTimeouts(
          Duration.ofSeconds(5),
          Duration.ofSeconds(30),
          Duration.ofMinutes(10),
          Duration.ofSeconds(10));

  public ClientTimeouts withConnect(Duration timeout) {
    return new ClientTimeouts(timeout, request, call, keepAlive);
  }

  public ClientTimeouts withRequest(Duration timeout) {
    return new ClientTimeouts(connect, timeout, call, keepAlive);
  }

  public ClientTimeouts withKeepAlive(Duration interval) {
    return new ClientTimeouts(connect, request, call, interval);
  }
}
