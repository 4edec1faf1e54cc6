package io.mapfs.client;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A stream of bytes each way. One thread reads, one writes, at the same time; {@link #close} may
 * come from any thread and ends both.
 */
interface Transport extends Closeable {
  /** Reads at least one byte; returns -1 at the end. */
  int read(ByteBuffer target) throws IOException;

  /** Writes everything from the buffers' positions to their limits, in order. */
  void write(ByteBuffer[] parts) throws IOException;
}
