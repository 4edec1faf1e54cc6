package io.mapfs.server.net;

import java.time.Duration;

/**
 * How long the block server waits.
 *
 * @param handshake for the first message of a connection
 * @param frame for the rest of a frame after its first byte, beside the time that a slow link takes
 * @param keepAlive silence after which a client is asked for a sign of life; it is given up after
 *     three times as long
 * @param push deadline of the appliance's own requests to a client
 * @param stop how long {@link BlockServer#close} waits for requests in flight
 */
public record ServerTimeouts(
    Duration handshake, Duration frame, Duration keepAlive, Duration push, Duration stop) {
  static final ServerTimeouts DEFAULTS =
      new ServerTimeouts(
          Duration.ofSeconds(5),
          Duration.ofSeconds(60),
          Duration.ofSeconds(20),
          Duration.ofMinutes(5),
          Duration.ofSeconds(5));
}
