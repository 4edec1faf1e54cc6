package io.mapfs.server.net;

import io.mapfs.core.wire.Limits;

/** What the block server's clients may use of it at most. */
public record ServerBounds(
    Connections connections, Threads threads, Requests requests, Memory memory) {

  /**
   * Connections at a time.
   *
   * @param mostPerAddress most of them from one address
   * @param mostStrangers most of them that have not proved who they are
   */
  public record Connections(int most, int mostPerAddress, int mostStrangers) {}

  /**
   * Threads.
   *
   * @param workers serve blocks, trees and journals
   * @param control carry out control requests
   */
  public record Threads(int workers, int control) {}

  /**
   * Requests in flight of one connection.
   *
   * @param mostBytes of their payloads, one frame aside
   */
  public record Requests(int most, int mostBytes) {}

  /**
   * Heap, all connections together.
   *
   * @param payloadBytes for received payloads; at least one frame
   * @param unsentBytes of answers not yet sent, past which only urgent ones are made
   */
  public record Memory(long payloadBytes, long unsentBytes) {
    public Memory {
      if (payloadBytes < Limits.MAX_FRAME_BYTES) {
        throw new IllegalArgumentException("payloadBytes is less than one frame");
      }
    }
  }

  /** For this machine's processors and this process's heap. */
  public static ServerBounds defaults() {
    Runtime runtime = Runtime.getRuntime();
    return new ServerBounds(
        new Connections(1024, 512, 256),
        new Threads(Math.max(4, 2 * runtime.availableProcessors()), 32),
        new Requests(512, 32 << 20),
        new Memory(
            Math.max(2L * Limits.MAX_FRAME_BYTES, runtime.maxMemory() / 4),
            Math.max(16L << 20, runtime.maxMemory() / 8)));
  }

  public ServerBounds withConnections(int most, int mostPerAddress) {
    return new ServerBounds(
        new Connections(most, mostPerAddress, connections.mostStrangers()),
        threads,
        requests,
        memory);
  }

  public ServerBounds withStrangers(int most) {
    return new ServerBounds(
        new Connections(connections.most(), connections.mostPerAddress(), most),
        threads,
        requests,
        memory);
  }

  public ServerBounds withThreads(int workers, int control) {
    return new ServerBounds(connections, new Threads(workers, control), requests, memory);
  }

  public ServerBounds withRequests(int most, int mostBytes) {
    return new ServerBounds(connections, threads, new Requests(most, mostBytes), memory);
  }

  public ServerBounds withMemory(long payloadBytes, long unsentBytes) {
    return new ServerBounds(connections, threads, requests, new Memory(payloadBytes, unsentBytes));
  }
}
