package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A file of one of the store's databases is flipped, cut off or missing: the packs' index is made
 * again, the others are refused in one line; nothing is lost, and nothing is served that is less.
 */
final class DamagedDatabaseTest {
  private static final int FLIPS = 4;
  private static final int FILES = 40;

  @TempDir Path directory;
  private ApplianceRig rig;
  private long blocks;

  @BeforeEach
  void storeATreeAndAnOverlay() throws Exception {
    rig = new ApplianceRig(directory);
    TestTrees trees = TestTrees.of("debian");
    for (int file = 0; file < FILES; file++) {
      trees.file("/file-" + file, "content of file " + file);
    }
    rig.importTree(trees);
    rig.admin("node.add", "node", "web01", "master", "debian");
    // From the log into tables, and something new in the log.
    rig.reopen();
    rig.importTree(trees.file("/later", "the second version's"));
    blocks = rig.admin("version.verify").get("checkedBlocks").getAsLong();
    assertEquals(FILES + 1, blocks);
    rig.close();
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  /** What is done to a file, and a name for it. */
  private record Damage(String what, Change change) {}

  private interface Change {
    void apply(Path file, byte[] whole) throws IOException;
  }

  private static List<Damage> damages(int sizeBytes) {
    List<Damage> damages = new ArrayList<>();
    damages.add(new Damage("removed", (file, whole) -> Files.delete(file)));
    if (sizeBytes == 0) {
      return damages;
    }
    damages.add(
        new Damage(
            "cut to half",
            (file, whole) -> Files.write(file, Arrays.copyOf(whole, sizeBytes / 2))));
    damages.add(new Damage("emptied", (file, whole) -> Files.write(file, new byte[0])));
    for (int flip = 0; flip < FLIPS; flip++) {
      int at = (int) ((long) sizeBytes * flip / FLIPS);
      int bit = flip % 8;
      damages.add(
          new Damage(
              "bit " + bit + " flipped at " + at,
              (file, whole) -> {
                byte[] flipped = whole.clone();
                flipped[at] ^= (byte) (1 << bit);
                Files.write(file, flipped);
              }));
    }
    return damages;
  }

  private static String name(Map.Entry<Path, byte[]> file) {
    return file.getKey().getFileName().toString();
  }

  @Test
  void thePacksIndexIsMadeAgain() throws Exception {
    Path index = rig.root.resolve("index");
    FileCopies whole = FileCopies.of(index);
    assertTrue(
        whole.contents().keySet().stream().anyMatch(file -> file.toString().endsWith(".sst")));
    int atOpening = 0;
    int later = 0;
    for (Map.Entry<Path, byte[]> file : whole.contents().entrySet()) {
      for (Damage damage : damages(file.getValue().length)) {
        if (name(file).startsWith("MANIFEST") && damage.what().startsWith("bit")) {
          // RocksDB's reader may go round for ever.
          continue;
        }
        damage.change().apply(file.getKey(), file.getValue());
        String what = name(file) + " " + damage.what();
        rig.open();
        if (Files.exists(rig.root.resolve("index.damaged"))) {
          atOpening++;
        } else if (isFoundDamaged(what)) {
          later++;
          rig.reopen();
        }
        assertWhole(what);
        rig.close();
        whole.restore();
        deleteTree(rig.root.resolve("index.damaged"));
      }
    }
    assertTrue(atOpening >= 10, atOpening + " found at opening");
    assertTrue(later >= 1, later + " found later");
    rig.open();
    assertWhole("restored");
  }

  @Test
  void anIndexThatIsLostAsAWholeIsMadeAgain() throws Exception {
    deleteTree(rig.root.resolve("index"));
    rig.open();
    assertWhole("without an index");
  }

  /** Whether a verification says so, and what is to be done. */
  private boolean isFoundDamaged(String what) {
    try {
      assertEquals(0, rig.admin("version.verify").getAsJsonArray("faults").size(), () -> what);
      return false;
    } catch (ApplianceException e) {
      assertEquals(FailureCode.CORRUPT, e.code(), what);
      assertTrue(e.getMessage().contains("start the appliance anew"), e.getMessage());
      assertFalse(e.getMessage().contains("\n"), e.getMessage());
      return true;
    }
  }

  @Test
  void controlRecordsAreRefusedAndNothingIsRemoved() throws Exception {
    Path control = rig.root.resolve("control");
    FileCopies whole = FileCopies.of(control);
    int refused = 0;
    for (Map.Entry<Path, byte[]> file : whole.contents().entrySet()) {
      String name = name(file);
      boolean grows = name.endsWith(".log");
      for (Damage damage : damages(file.getValue().length)) {
        // Nobody can tell a file that ends early from one whose last writes never came
        // (LostRecordsTest); and RocksDB's reader of a MANIFEST may go round for ever at a flipped
        // bit.
        if (name.startsWith("MANIFEST") || (grows && !damage.what().startsWith("bit"))) {
          continue;
        }
        damage.change().apply(file.getKey(), file.getValue());
        String what = file.getKey().getFileName() + " " + damage.what();
        if (opensOrIsRefused(what)) {
          assertWhole(what);
          rig.close();
        } else {
          refused++;
        }
        whole.restore();
      }
    }
    assertTrue(refused >= 5, refused + " refused");
    deleteTree(control);
    assertFalse(opensOrIsRefused("without control records"));
    whole.restore();
    rig.open();
    assertWhole("restored");
  }

  @Test
  void rowsThatAreLostAreRefused() throws Exception {
    Path rows = rig.root.resolve("rows");
    FileCopies whole = FileCopies.of(rows);
    Files.delete(rows.resolve("CURRENT"));
    assertFalse(opensOrIsRefused("without CURRENT"));
    deleteTree(rows);
    assertFalse(opensOrIsRefused("without rows"));
    whole.restore();
    rig.open();
    assertWhole("restored");
  }

  /** False if it was refused, as it must be. */
  private boolean opensOrIsRefused(String what) {
    try {
      rig.open();
      return true;
    } catch (ApplianceException e) {
      assertEquals(FailureCode.CORRUPT, e.code(), () -> what + ": " + e.getMessage());
      assertFalse(e.getMessage().contains("\n"), e.getMessage());
      return false;
    }
  }

  private void assertWhole(String what) throws Exception {
    JsonObject verified = rig.admin("version.verify");
    assertEquals(0, verified.getAsJsonArray("faults").size(), () -> what + ": " + verified);
    assertEquals(blocks, verified.get("checkedBlocks").getAsLong(), what);
    assertEquals(
        2,
        rig.admin("master.versions", "master", "debian").getAsJsonArray("versions").size(),
        what);
    assertEquals("debian", rig.admin("node.show", "node", "web01").get("master").getAsString());
  }

  private static void deleteTree(Path root) throws IOException {
    DurableFiles.deleteTree(root);
  }
}
