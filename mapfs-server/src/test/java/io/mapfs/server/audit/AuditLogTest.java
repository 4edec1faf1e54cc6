package io.mapfs.server.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AuditLogTest {
  private static final int ALL = 1_000_000;

  @TempDir private Path directory;

  private AuditLog open(long mostFileBytes, int mostFiles) throws IOException {
    return AuditLog.open(directory, Clock.systemUTC(), mostFileBytes, mostFiles);
  }

  private static void act(AuditLog log, String method) throws IOException {
    log.ended(log.began("administrator alice", "127.0.0.1:1", method, new JsonObject()), "DONE");
  }

  private static List<String> methods(AuditLog.Page page) {
    return page.acts().stream().map(act -> act.get("method").getAsString()).toList();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  @Test
  void tellsWhoDidWhatAndHowItEnded() throws Exception {
    try (AuditLog log = open(1 << 20, 4)) {
      JsonObject parameters = new JsonObject();
      parameters.addProperty("node", "web01");
      long number = log.began("administrator alice", "10.1.1.1:5", "node.remove", parameters);
      log.ended(number, "CONFLICT: it is mounted");
      log.began("administrator bob", "10.1.1.2:6", "rollback", new JsonObject());
    }
    try (AuditLog log = open(1 << 20, 4)) {
      AuditLog.Page page = log.newest(ALL);
      assertEquals(List.of(), page.faults());
      assertEquals(List.of("node.remove", "rollback"), methods(page));
      JsonObject first = page.acts().get(0);
      assertEquals("administrator alice", first.get("who").getAsString());
      assertEquals("10.1.1.1:5", first.get("peer").getAsString());
      assertEquals("web01", first.getAsJsonObject("parameters").get("node").getAsString());
      assertEquals("CONFLICT: it is mounted", first.get("result").getAsString());
      assertEquals("not known", page.acts().get(1).get("result").getAsString());
      act(log, "sweep");
      assertEquals(List.of("rollback", "sweep"), methods(log.newest(2)));
    }
  }

  @Test
  void filesAreBoundedAndJoin() throws Exception {
    try (AuditLog log = open(1000, 3)) {
      for (int i = 0; i < 50; i++) {
        act(log, "act-" + i);
      }
      assertEquals(3, files().size());
      AuditLog.Page page = log.newest(ALL);
      assertEquals(List.of(), page.faults());
      assertEquals("act-49", methods(page).get(page.acts().size() - 1));
      assertTrue(page.acts().size() < 20, "old files are kept");
    }
    for (Path file : files()) {
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }
    assertEquals(
        "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)));
  }

  @Test
  void everyChangedByteIsNoticed() throws Exception {
    try (AuditLog log = open(1 << 20, 4)) {
      act(log, "one");
      act(log, "two");
      Path file = files().get(0);
      byte[] good = Files.readAllBytes(file);
      for (int at = 0; at < good.length; at++) {
        byte[] bad = good.clone();
        bad[at] ^= 1;
        Files.write(file, bad);
        assertEquals(1, log.newest(ALL).faults().size(), "byte " + at);
      }
      // Whole lines taken off at the end, or out of the middle.
      int lastLine = new String(good, StandardCharsets.UTF_8).trim().lastIndexOf('\n') + 1;
      Files.write(file, Arrays.copyOf(good, lastLine));
      assertEquals(1, log.newest(ALL).faults().size());
      Files.write(file, good);
      assertEquals(List.of(), log.newest(ALL).faults());
    }
  }

  @Test
  void aMissingFileIsNoticed() throws Exception {
    try (AuditLog log = open(500, 10)) {
      for (int i = 0; i < 12; i++) {
        act(log, "act-" + i);
      }
      assertTrue(files().size() > 3);
      Files.delete(files().get(1));
      assertEquals(1, log.newest(ALL).faults().size());
    }
  }

  @Test
  void goesOnAfterATornLine() throws Exception {
    try (AuditLog log = open(1 << 20, 4)) {
      act(log, "one");
    }
    Path file = files().get(0);
    Files.writeString(file, "0123 {\"half", StandardOpenOption.APPEND);
    try (AuditLog log = open(1 << 20, 4)) {
      act(log, "two");
      AuditLog.Page page = log.newest(ALL);
      assertEquals(List.of(), page.faults());
      assertEquals(List.of("one", "two"), methods(page));
    }
  }

  @Test
  void goesOnBesideWhatIsDamagedAndKeepsIt() throws Exception {
    try (AuditLog log = open(1 << 20, 4)) {
      act(log, "one");
      act(log, "two");
    }
    Path file = files().get(0);
    byte[] content = Files.readAllBytes(file);
    content[content.length - 20] ^= 1;
    Files.write(file, content);
    try (AuditLog log = open(1 << 20, 4)) {
      act(log, "three");
      AuditLog.Page page = log.newest(ALL);
      assertEquals(List.of("one", "two", "three"), methods(page));
      assertEquals(1, page.faults().size(), page.faults().toString());
    }
    assertEquals(2, files().size());
  }
}
