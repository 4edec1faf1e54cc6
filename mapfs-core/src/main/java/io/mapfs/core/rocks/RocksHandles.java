package io.mapfs.core.rocks;

import java.util.ArrayDeque;
import java.util.Deque;
import org.rocksdb.AbstractNativeReference;

/** The native handles of one store: closed in the reverse order of their opening. */
final class RocksHandles implements AutoCloseable {
  private final Deque<AbstractNativeReference> opened = new ArrayDeque<>();

  /** Takes over a handle. */
  <T extends AbstractNativeReference> T own(T handle) {
    opened.push(handle);
    return handle;
  }

  @Override
  public void close() {
    while (!opened.isEmpty()) {
      opened.pop().close();
    }
  }
}
