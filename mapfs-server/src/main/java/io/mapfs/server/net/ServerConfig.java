package io.mapfs.server.net;

import io.mapfs.core.wire.Limits;
import java.time.Duration;
import java.util.List;

/**
 * How the block server behaves.
 *
 * @param host the address to listen on; a name or a literal
 * @param port the port; 0 for any that is free
 * @param insecure whether plain TCP may be spoken beyond the loopback interface
 * @param software this release, for people
 * @param addresses where clients can reach the appliance's members, host:port; empty for the
 *     address that is listened on
 * @param maxConnections most connections
 * @param maxConnectionsPerAddress most of them from one address
 * @param workerThreads threads that serve blocks, trees and journals
 * @param controlThreads threads that carry out control requests
 * @param maxRequests most requests in flight of one connection
 * @param maxRequestBytes most payload bytes of these, one frame aside
 * @param maxPayloadBytes most heap for received payloads, all connections together; at least one
 *     frame
 * @param maxUnsentBytes heap of answers not yet sent, all connections together, past which only
 *     urgent ones are made
 * @param handshakeTimeout for the first message of a connection
 * @param frameTimeout for the rest of a frame after its first byte
 * @param keepAlive silence after which a client is asked for a sign of life; it is given up after
 *     three times as long
 * @param pushTimeout deadline of the appliance's own requests to a client
 * @param stopTimeout how long {@link BlockServer#close} waits for requests in flight
 */
public record ServerConfig(
    String host,
    int port,
    boolean insecure,
    String software,
    List<String> addresses,
    int maxConnections,
    int maxConnectionsPerAddress,
    int workerThreads,
    int controlThreads,
    int maxRequests,
    int maxRequestBytes,
    long maxPayloadBytes,
    long maxUnsentBytes,
    Duration handshakeTimeout,
    Duration frameTimeout,
    Duration keepAlive,
    Duration pushTimeout,
    Duration stopTimeout) {
  public ServerConfig {
    addresses = List.copyOf(addresses);
    if (maxPayloadBytes < Limits.MAX_FRAME_BYTES) {
      throw new IllegalArgumentException("maxPayloadBytes is less than one frame");
    }
  }

  /** The default bounds. */
  public static ServerConfig listen(String host, int port, String software) {
    return new ServerConfig(
        host,
        port,
        false,
        software,
        List.of(),
        1024,
        512,
        Math.max(4, 2 * Runtime.getRuntime().availableProcessors()),
        32,
        512,
        32 << 20,
        Math.max(2L * Limits.MAX_FRAME_BYTES, Runtime.getRuntime().maxMemory() / 4),
        Math.max(16L << 20, Runtime.getRuntime().maxMemory() / 8),
        Duration.ofSeconds(5),
        Duration.ofSeconds(60),
        Duration.ofSeconds(20),
        Duration.ofMinutes(5),
        Duration.ofSeconds(5));
  }

  public ServerConfig withInsecure(boolean allowed) {
    return new ServerConfig(
        host,
        port,
        allowed,
        software,
        addresses,
        maxConnections,
        maxConnectionsPerAddress,
        workerThreads,
        controlThreads,
        maxRequests,
        maxRequestBytes,
        maxPayloadBytes,
        maxUnsentBytes,
        handshakeTimeout,
        frameTimeout,
        keepAlive,
        pushTimeout,
        stopTimeout);
  }

  public ServerConfig withConnections(int most, int mostPerAddress) {
    return new ServerConfig(
        host,
        port,
        insecure,
        software,
        addresses,
        most,
        mostPerAddress,
        workerThreads,
        controlThreads,
        maxRequests,
        maxRequestBytes,
        maxPayloadBytes,
        maxUnsentBytes,
        handshakeTimeout,
        frameTimeout,
        keepAlive,
        pushTimeout,
        stopTimeout);
  }

  public ServerConfig withThreads(int workers, int control) {
    return new ServerConfig(
        host,
        port,
        insecure,
        software,
        addresses,
        maxConnections,
        maxConnectionsPerAddress,
        workers,
        control,
        maxRequests,
        maxRequestBytes,
        maxPayloadBytes,
        maxUnsentBytes,
        handshakeTimeout,
        frameTimeout,
        keepAlive,
        pushTimeout,
        stopTimeout);
  }

  public ServerConfig withRequests(int most, int mostBytes) {
    return new ServerConfig(
        host,
        port,
        insecure,
        software,
        addresses,
        maxConnections,
        maxConnectionsPerAddress,
        workerThreads,
        controlThreads,
        most,
        mostBytes,
        maxPayloadBytes,
        maxUnsentBytes,
        handshakeTimeout,
        frameTimeout,
        keepAlive,
        pushTimeout,
        stopTimeout);
  }

  public ServerConfig withTimeouts(
      Duration handshake, Duration frame, Duration alive, Duration push, Duration stop) {
    return new ServerConfig(
        host,
        port,
        insecure,
        software,
        addresses,
        maxConnections,
        maxConnectionsPerAddress,
        workerThreads,
        controlThreads,
        maxRequests,
        maxRequestBytes,
        maxPayloadBytes,
        maxUnsentBytes,
        handshake,
        frame,
        alive,
        push,
        stop);
  }

  public ServerConfig withMemory(long payloadBytes, long unsentBytes) {
    return new ServerConfig(
        host,
        port,
        insecure,
        software,
        addresses,
        maxConnections,
        maxConnectionsPerAddress,
        workerThreads,
        controlThreads,
        maxRequests,
        maxRequestBytes,
        payloadBytes,
        unsentBytes,
        handshakeTimeout,
        frameTimeout,
        keepAlive,
        pushTimeout,
        stopTimeout);
  }
}
