package io.mapfs.server.control;

import io.mapfs.core.block.BlockId;
import io.mapfs.server.Session;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A connection, as the appliance knows it.
 *
 * <p>Safe for concurrent use.
 */
final class Client {
  /** Most uploaded blocks that are remembered; the oldest are to be uploaded again. */
  private static final int UPLOADS_MAX = 65_536;

  private final long number;
  private final Session session;
  private final Caller caller;

  /** Oldest first; protected by itself. */
  private final Set<BlockId> uploads = new LinkedHashSet<>();

  Client(long number, Session session, Caller caller) {
    this.number = number;
    this.session = session;
    this.caller = caller;
  }

  /** Its number, from 1, never used again while the appliance runs. */
  long number() {
    return number;
  }

  Session session() {
    return session;
  }

  Caller caller() {
    return caller;
  }

  boolean isAdministrator() {
    return caller.isAdministrator();
  }

  /** It uploaded the block, so its records may name it. */
  void uploaded(BlockId id) {
    synchronized (uploads) {
      if (uploads.size() >= UPLOADS_MAX) {
        var oldest = uploads.iterator();
        oldest.next();
        oldest.remove();
      }
      uploads.add(id);
    }
  }

  boolean hasUploaded(BlockId id) {
    synchronized (uploads) {
      return uploads.contains(id);
    }
  }
}
