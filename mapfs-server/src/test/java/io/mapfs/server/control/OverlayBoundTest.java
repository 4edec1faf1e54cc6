package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.wire.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the appliance keeps of an overlay, and what a mount elsewhere fetches, follows the overlay,
 * not its history: many records over 1,000 files. {@code -Dmapfs.records=N} sends more.
 */
final class OverlayBoundTest {
  private static final int RECORDS = Integer.getInteger("mapfs.records", 100_000);
  private static final int FILES = 1_000;
  private static final int IN_FLIGHT = 64;
  private static final long FIRST_INO = NodeId.FIRST_OVERLAY_INO;

  @TempDir Path temp;

  /** What is kept at one moment. */
  private record Kept(long journalBytes, long rowsBytes, long headChanges) {}

  @Test
  void whatIsKeptFollowsTheOverlayNotItsHistory() throws Exception {
    byte[][] last = new byte[FILES][];
    try (ApplianceRig rig = new ApplianceRig(temp)) {
      rig.importTree(TestTrees.of("debian").file("/text", "the version's text"));
      rig.admin("node.add", "node", "web01", "master", "debian");
      NodeWriter writer = rig.mount("web01");
      for (int file = 0; file < FILES; file++) {
        last[file] = content(new Random(file));
        writer.file(1, "file" + file, FIRST_INO + file, last[file]);
        if (file % 100 == 99) {
          writer.ship();
        }
      }
      Random random = new Random(1);
      send(writer, random, last, RECORDS / 10);
      Kept early = kept(rig, writer);
      send(writer, random, last, RECORDS - RECORDS / 10);
      Kept late = kept(rig, writer);
      System.err.printf("after %d records %s, after %d %s%n", RECORDS / 10, early, RECORDS, late);
      assertEquals(early.headChanges, late.headChanges, "a mount elsewhere fetches the same rows");
      // The journal is tidied up at 8 MiB; a slice and a segment may be under way.
      assertTrue(late.journalBytes <= 32 << 20, late::toString);
      assertTrue(late.rowsBytes <= 2 * early.rowsBytes + (64 << 20), late::toString);
      JsonObject shown = rig.admin("node.show", "node", "web01");
      assertEquals(FILES + 1, shown.get("entries").getAsLong() + 1, shown::toString);
      writer.unmount();
    }
  }

  private static byte[] content(Random random) {
    byte[] bytes = new byte[Change.PAGE_BYTES];
    bytes[0] = (byte) (1 + random.nextInt(100));
    bytes[1] = (byte) random.nextInt();
    return bytes;
  }

  private static void send(NodeWriter writer, Random random, byte[][] last, int records)
      throws Exception {
    Deque<CompletableFuture<Message.Appended>> inFlight = new ArrayDeque<>();
    for (int i = 0; i < records; i++) {
      int file = random.nextInt(FILES);
      last[file] = content(random);
      writer.write(FIRST_INO + file, 0, last[file]);
      inFlight.add(writer.rig.appliance.append(writer.session, writer.seal()));
      while (inFlight.size() >= IN_FLIGHT) {
        inFlight.remove().get(60, TimeUnit.SECONDS);
      }
    }
    for (CompletableFuture<Message.Appended> sent : inFlight) {
      sent.get(60, TimeUnit.SECONDS);
    }
  }

  private Kept kept(ApplianceRig rig, NodeWriter writer) throws Exception {
    long changes = 0;
    byte[] cursor = new byte[0];
    do {
      Message.HeadRows rows =
          rig.appliance.getHead(writer.session, new Message.GetHead("web01", cursor));
      changes += rows.rows().size();
      cursor = rows.nextCursor();
    } while (cursor.length > 0);
    return new Kept(
        bytes(rig.root.resolve("overlays/web01/journal")),
        bytes(rig.root.resolve("rows")),
        changes);
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }
}
