package io.mapfs.server.store;

import java.io.IOException;

/** What was asked for needs the key of an encrypted overlay, which is not here. */
public final class LockedException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * @param node whose overlay it is
   */
  public LockedException(String node) {
    super(
        "the overlay of "
            + node
            + " is encrypted and its key is not here: mount the node, or bring it with 'mapfs node"
            + " unlock "
            + node
            + " --recovery-key FILE'");
  }
}
