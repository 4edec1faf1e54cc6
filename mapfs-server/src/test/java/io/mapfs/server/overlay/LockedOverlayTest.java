package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.FakeSession;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an encrypted overlay does without its key. */
final class LockedOverlayTest {
  private static final String NODE = "web01";
  private static final long CLIENT = 1;

  private final Deque<Runnable> folds = new ArrayDeque<>();
  private final HeldKey held = new HeldKey(NODE, 1);
  private final OverlayKey key = OverlayKey.generate();
  private final FakeSession session = new FakeSession(NODE);

  @TempDir Path directory;
  private ApplianceStore store;
  private Overlay overlay;

  @BeforeEach
  void open() throws Exception {
    Path root = directory.resolve("store");
    ApplianceStore.init(root);
    store = ApplianceStore.open(root, Clock.systemUTC(), OverlayRows.TABLES);
    openOverlay();
  }

  private void openOverlay() throws Exception {
    overlay =
        Overlay.open(
            new NodeRecord(NODE, 1, "m", 1, 0, null, 0, 0, null, 0),
            directory.resolve("journal"),
            held,
            List.of(),
            new Overlay.Parts(
                store.blocks(),
                store.control(),
                new OverlayRows(store.rows()),
                version -> {
                  throw new IOException("there are no versions");
                },
                Runnable::run,
                folds::add));
  }

  @AfterEach
  void close() throws Exception {
    overlay.close();
    store.close();
  }

  private void runFolds() {
    while (!folds.isEmpty()) {
      folds.remove().run();
    }
  }

  /** A record that is durable and not folded. */
  private void append() throws Exception {
    overlay.unlock(CLIENT, key);
    Effect.Grant granted = overlay.lease().open(session, CLIENT, "host", false, epoch -> {});
    JournalRecord record =
        new JournalRecord(
            NODE,
            granted.epoch(),
            1,
            new byte[JournalRecord.HASH_BYTES],
            0,
            List.of(new Change.PutWhiteout(1, Name.of("name"))));
    overlay.append(CLIENT, record, List.of()).get(60, TimeUnit.SECONDS);
    assertEquals(0, overlay.standing().position().sequence());
  }

  @Test
  void theKeyGoesWhenWhatItsLastBringerLeftIsFolded() throws Exception {
    append();
    overlay.unlock(CLIENT + 1, key);
    overlay.disconnect(session, CLIENT);
    runFolds();
    assertTrue(overlay.isUnlocked());
    overlay.disconnect(session, CLIENT + 1);
    assertTrue(overlay.isUnlocked(), "until the folding has run");
    runFolds();
    assertFalse(overlay.isUnlocked());
    assertEquals(1, overlay.standing().position().sequence());
  }

  @Test
  void whatWaitsIsFoldedWhenTheKeyComesBack() throws Exception {
    append();
    overlay.lock();
    runFolds();
    assertNull(overlay.journal().fault(), "waiting is no fault");
    ApplianceException refused =
        assertThrows(ApplianceException.class, () -> overlay.head().withHead(head -> head));
    assertEquals(FailureCode.UNAVAILABLE, refused.code());
    assertTrue(refused.getMessage().contains("mapfs node unlock " + NODE), refused.getMessage());
    overlay.head().settle();
    assertEquals(2, overlay.lease().end(), "a fence needs no key");
    overlay.close();
    openOverlay();
    assertEquals(1, overlay.standing().sequence());
    assertEquals(0, overlay.standing().position().sequence());
    overlay.unlock(CLIENT, key);
    runFolds();
    assertEquals(1, overlay.standing().position().sequence());
  }
}
