package io.mapfs.server.control;

import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.EncryptionRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.KeyFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The wrapped keys of encrypted overlays: which there are, and what becomes of them. */
final class OverlayKeys {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayKeys.class);

  private final ApplianceStore store;
  private final ControlStore control;
  private final Overlays overlays;
  private final Tails tails;

  /** How it is with an overlay's key. */
  enum State {
    /** The overlay is not encrypted. */
    PLAIN,
    /** Its node makes it at its first mount. */
    NONE,
    PRESENT,
    /** What the overlay holds is unreadable for ever. */
    ERASED;

    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  OverlayKeys(ApplianceStore store, Overlays overlays, Tails tails) {
    this.store = store;
    this.control = store.control();
    this.overlays = overlays;
    this.tails = tails;
  }

  private Path directory(NodeRecord node) {
    return store.overlayDirectory(node.name());
  }

  private EncryptionRecord record(NodeRecord node) throws IOException {
    return control.get(ControlTable.ENCRYPTIONS, node.name());
  }

  State state(NodeRecord node) throws IOException {
    EncryptionRecord record = record(node);
    if (record == null) {
      return State.PLAIN;
    }
    if (record.erasedMillis() != 0) {
      return State.ERASED;
    }
    return KeyFile.exists(directory(node)) ? State.PRESENT : State.NONE;
  }

  /**
   * Refuses an overlay whose key was erased.
   *
   * @throws ApplianceException DENIED
   */
  void requireNotErased(NodeRecord node) throws IOException, ApplianceException {
    if (state(node) == State.ERASED) {
      throw new ApplianceException(
          FailureCode.DENIED,
          "the key of "
              + node.name()
              + " was erased, and nobody can read what its overlay held: remove the node");
    }
  }

  /** The wrapped key, which is there. */
  KeyFile file(NodeRecord node) throws IOException {
    return KeyFile.read(directory(node), node.overlayId());
  }

  /**
   * The key that somebody brings.
   *
   * @throws ApplianceException DENIED if it is not the overlay's, or that was erased
   */
  OverlayKey checked(NodeRecord node, byte[] secret) throws IOException, ApplianceException {
    requireNotErased(node);
    if (state(node) == State.PRESENT && secret.length == OverlayKey.BYTES) {
      OverlayKey key = OverlayKey.of(secret);
      if (key.matches(Base64.getDecoder().decode(file(node).check()))) {
        return key;
      }
    }
    throw another(node);
  }

  private static ApplianceException another(NodeRecord node) {
    return new ApplianceException(
        FailureCode.DENIED, "that is not the key of the overlay of " + node.name());
  }

  /**
   * Keeps the key of an overlay that has none yet.
   *
   * @throws ApplianceException CONFLICT if there is one, CORRUPT if there must have been
   */
  synchronized void create(NodeRecord node, KeyFile file) throws IOException, ApplianceException {
    requireNotErased(node);
    if (state(node) != State.NONE) {
      throw new ApplianceException(
          FailureCode.CONFLICT, "the overlay of " + node.name() + " has a key, or needs none");
    }
    if (overlays.get(node.name()).standing().sequence() > 0 || tails.count(node.name()) > 0) {
      throw new ApplianceException(
          FailureCode.CORRUPT,
          "the wrapped key of "
              + node.name()
              + " is missing, and its overlay was written with one: restore "
              + directory(node)
              + "/key from a backup of the store");
    }
    file.write(directory(node));
    LOG.info("{}: its overlay's key was made", node.name());
  }

  /**
   * Wraps the same key for others.
   *
   * @throws ApplianceException DENIED if it is another key
   */
  synchronized void replace(NodeRecord node, KeyFile file) throws IOException, ApplianceException {
    requireNotErased(node);
    if (state(node) != State.PRESENT || !file(node).check().equals(file.check())) {
      throw another(node);
    }
    file.write(directory(node));
  }

  /** Forgets the key as it is wrapped for credentials other than these. */
  synchronized void retain(NodeRecord node, Collection<String> credentials) throws IOException {
    if (state(node) != State.PRESENT) {
      return;
    }
    KeyFile file = file(node);
    List<KeyFile.Wrap> kept =
        file.wraps().stream()
            .filter(wrap -> !wrap.holder().equals(KeyFile.NODE) || credentials.contains(wrap.id()))
            .toList();
    if (kept.size() < file.wraps().size()) {
      KeyFile.of(file.overlay(), file.check(), kept).write(directory(node));
    }
  }

  /** Erases the key, durable on return, and ends the mount that has the overlay. */
  synchronized void erase(NodeRecord node) throws IOException, ApplianceException {
    // The record first: what a crash leaves of the file goes at the next start, or next time.
    control.commit(
        ControlChange.put(
            ControlTable.ENCRYPTIONS,
            node.name(),
            new EncryptionRecord(node.name(), control.nowMillis())));
    KeyFile.erase(directory(node));
    Overlay overlay = overlays.find(node.name());
    if (overlay != null) {
      boolean mounted = overlay.lease().mount() != null;
      overlay.lock();
      if (mounted) {
        overlay.lease().end();
      }
    }
    LOG.warn("{}: its overlay's key was erased", node.name());
  }
}
