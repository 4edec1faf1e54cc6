package io.mapfs.server.overlay;

import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.seal.OverlaySeal;
import io.mapfs.server.store.LockedException;
import java.util.HashSet;
import java.util.Set;

/**
 * The key of an encrypted overlay while it is at the appliance: in memory alone, from the first
 * connection that brings it until the last of those has ended and what they left is folded. Safe
 * for concurrent use.
 */
public final class HeldKey {
  private final String node;
  private final long overlayId;

  /** Connections that brought it, by number. */
  private final Set<Long> holders = new HashSet<>();

  private volatile OverlaySeal seal;

  HeldKey(String node, long overlayId) {
    this.node = node;
    this.overlayId = overlayId;
  }

  /** A connection brings the key, which was found to be the right one. */
  synchronized void hold(long client, OverlayKey key) {
    holders.add(client);
    if (seal == null) {
      seal = new OverlaySeal(key, overlayId);
    }
  }

  /**
   * A connection is gone.
   *
   * @return whether it was the last of those that brought the key
   */
  synchronized boolean release(long client) {
    return holders.remove(client) && holders.isEmpty();
  }

  /** Forgets the key if no connection that brought it is there. */
  synchronized void forgetUnlessHeld() {
    if (holders.isEmpty()) {
      seal = null;
    }
  }

  /** Forgets the key, whoever brought it. */
  synchronized void forget() {
    holders.clear();
    seal = null;
  }

  /** Whether it is here. */
  public boolean isHere() {
    return seal != null;
  }

  /**
   * Refuses a connection that did not bring the key itself.
   *
   * @throws LockedException if it did not
   */
  synchronized void requireHeldBy(long client) throws LockedException {
    if (!holders.contains(client)) {
      throw new LockedException(node);
    }
  }

  /**
   * What seals and opens.
   *
   * @throws LockedException if the key is not here
   */
  OverlaySeal seal() throws LockedException {
    OverlaySeal here = seal;
    if (here == null) {
      throw new LockedException(node);
    }
    return here;
  }
}
