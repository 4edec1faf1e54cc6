package io.mapfs.client;

import java.time.Duration;

/**
 * How a client behaves.
 *
 * @param node the node's name; empty for an administrator's command
 * @param software this release, for people
 * @param connectTimeout for the TCP connection and the handshake together
 * @param requestTimeout deadline of a request that names none
 * @param callTimeout longest silence during a control call: each progress message starts it anew
 * @param keepAlive silence after which the other end is asked for a sign of life; the connection is
 *     given up when as much time again passes without one
 * @param maxPending most requests in flight; the next one waits for room
 */
public record ClientConfig(
    String node,
    String software,
    Duration connectTimeout,
    Duration requestTimeout,
    Duration callTimeout,
    Duration keepAlive,
    int maxPending) {

  /** The configuration of an administrator's command. */
  public static ClientConfig admin(String software) {
    return node("", software);
  }

  /** The configuration of a node. */
  public static ClientConfig node(String node, String software) {
    return new ClientConfig(
        node,
        software,
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofMinutes(10),
        Duration.ofSeconds(10),
        256);
  }

  public ClientConfig withConnectTimeout(Duration timeout) {
    return new ClientConfig(
        node, software, timeout, requestTimeout, callTimeout, keepAlive, maxPending);
  }

  public ClientConfig withRequestTimeout(Duration timeout) {
    return new ClientConfig(
        node, software, connectTimeout, timeout, callTimeout, keepAlive, maxPending);
  }

  public ClientConfig withCallTimeout(Duration timeout) {
    return new ClientConfig(
        node, software, connectTimeout, requestTimeout, timeout, keepAlive, maxPending);
  }

  public ClientConfig withKeepAlive(Duration interval) {
    return new ClientConfig(
        node, software, connectTimeout, requestTimeout, callTimeout, interval, maxPending);
  }
}
