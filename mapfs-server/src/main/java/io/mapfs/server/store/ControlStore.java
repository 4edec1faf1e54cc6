package io.mapfs.server.store;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/**
 * The port to control records: small documents that say what exists and who may write it. Ids and
 * times that are recorded come from here, so that a replicated control plane can stand behind it.
 *
 * <p>Keys are text; a key's parts are joined by {@code /}, which no name contains. Safe for
 * concurrent use.
 */
public interface ControlStore extends Closeable {
  /** The time to record, in milliseconds since the epoch. */
  long nowMillis();

  /** The next number of a series, from 1; never given twice, also after a crash. */
  long nextId(String series) throws IOException;

  /** The document, or {@code null}. */
  <T> T get(ControlTable<T> table, String key) throws IOException;

  /** The documents whose keys begin so, in the order of their keys. */
  <T> List<T> list(ControlTable<T> table, String keyPrefix) throws IOException;

  /** Makes all of these changes durable, or none. */
  void commit(ControlChange... changes) throws IOException;
}
