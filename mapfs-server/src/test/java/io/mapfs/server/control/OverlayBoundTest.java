package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.overlay.OverlayAccess;
import io.mapfs.core.overlay.OverlayState;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What appliance and node keep of an overlay, and what the next mount reads, follows the overlay,
 * not its history: many records over 1,000 files, each one operation. The bounds after half of them
 * are those after all. {@code -Dmapfs.records=N} makes more (10 million in the test).
 */
final class OverlayBoundTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;
  private static final int RECORDS = Integer.getInteger("mapfs.records", 30_000);
  private static final int FILES = 1_000;
  private static final int FILE_PAGES = 4;
  private static final int XATTR_BYTES_MAX = 64;

  /** Rows of a file: its inode, its name, its xattrs, its one block. */
  private static final int FILE_ROWS = 4;

  @TempDir Path temp;
  private final File[] files = new File[FILES];
  private final Random random = new Random(1);
  private ApplianceRig rig;
  private long made;

  /** What a file is to be. */
  private static final class File {
    long node;
    String name;
    int mode = 0644;
    int pages;
    final byte[] letters = new byte[FILE_PAGES];
    byte[] xattr;

    void resize(int count) {
      for (; pages < count; pages++) {
        letters[pages] = 0;
      }
      pages = count;
    }
  }

  @Test
  void whatIsKeptFollowsTheOverlayNotItsHistory() throws Exception {
    try (ApplianceRig opened = new ApplianceRig(temp.resolve("appliance"))) {
      rig = opened;
      rig.importTree(TestTrees.of("debian").file("/text", "the version's text"));
      rig.admin("node.add", "node", "web01", "master", "debian");
      Machine machine = new Machine(rig, "web01", temp.resolve("machine"));
      machine.mount();
      for (int file = 0; file < FILES; file++) {
        files[file] = new File();
        create(machine, file);
      }
      for (int half = 1; half <= 2; half++) {
        long journalMax = change(machine, RECORDS / 2 * half);
        machine.fs.barrier(ROOT);
        machine.crash();
        check(machine, journalMax);
        rig.reopen();

        Machine elsewhere = new Machine(rig, "web01", temp.resolve("elsewhere" + half));
        elsewhere.mount();
        checkContent(elsewhere);
        elsewhere.crash();
        assertEquals(0, elsewhere.foundRecords);
        assertTrue(
            elsewhere.fetchedRows >= 2 * FILES && elsewhere.fetchedRows <= FILE_ROWS * FILES + 1,
            () -> "fetched " + elsewhere.fetchedRows + " rows");

        machine.mount();
        assertEquals(0, machine.fetchedRows, "the local copy is whole");
        checkContent(machine);
        System.err.printf(
            "the next mount found %d records here, fetched %d rows elsewhere%n",
            machine.foundRecords, elsewhere.fetchedRows);
      }
      machine.fs.close();
    }
  }

  // ---- records ----

  private void cut(Machine machine) {
    OverlayAccess.cut(machine.fs);
    made++;
  }

  private void create(Machine machine, int number) throws FsException {
    File file = files[number];
    file.name = "file" + number;
    file.mode = 0644;
    file.pages = 0;
    file.xattr = null;
    Opened created = machine.fs.create(ROOT, NodeId.ROOT, Name.of(file.name), file.mode, 2);
    file.node = created.attributes().node();
    machine.fs.release(ROOT, file.node, created.handle());
    cut(machine);
  }

  /** Changes files until so many records were made; returns the most bytes the journal had. */
  private long change(Machine machine, long records) throws Exception {
    long journalMax = 0;
    while (made < records) {
      // A tenth of the files has most of the changes.
      changeOne(machine, random.nextInt(random.nextInt(10) == 0 ? FILES : FILES / 10));
      if (made % 1_000 == 0) {
        journalMax = Math.max(journalMax, bytes(rig.root.resolve("overlays/web01/journal")));
      }
    }
    return journalMax;
  }

  private void changeOne(Machine machine, int number) throws FsException {
    File file = files[number];
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> write(machine, file, random.nextInt(FILE_PAGES));
      case 3 -> {
        String other = file.name.startsWith("f") ? "renamed" + number : "file" + number;
        machine.fs.rename(ROOT, NodeId.ROOT, Name.of(file.name), NodeId.ROOT, Name.of(other), 0);
        file.name = other;
      }
      case 4 -> {
        file.resize(random.nextInt(FILE_PAGES + 1));
        setattr(machine, file, null, (long) file.pages * Change.PAGE_BYTES);
      }
      case 5 -> {
        file.xattr = new byte[1 + random.nextInt(XATTR_BYTES_MAX)];
        random.nextBytes(file.xattr);
        machine.fs.setxattr(ROOT, file.node, Name.of("user.own"), file.xattr, 0, false);
      }
      case 6 -> {
        machine.fs.unlink(ROOT, NodeId.ROOT, Name.of(file.name));
        machine.fs.forget(file.node, 1);
        cut(machine);
        create(machine, number);
        return;
      }
      default -> {
        file.mode = random.nextInt(01000);
        setattr(machine, file, file.mode, null);
      }
    }
    cut(machine);
  }

  private void write(Machine machine, File file, int page) throws FsException {
    byte letter = (byte) (1 + random.nextInt(100));
    ByteBuffer bytes = ByteBuffer.allocate(Change.PAGE_BYTES).put(0, letter);
    machine.fs.write(ROOT, file.node, NONE, (long) page * Change.PAGE_BYTES, bytes, false);
    file.resize(Math.max(file.pages, page + 1));
    file.letters[page] = letter;
  }

  private static void setattr(Machine machine, File file, Integer mode, Long size)
      throws FsException {
    machine.fs.setattr(
        ROOT,
        file.node,
        new AttributeChange(mode, null, null, size, null, null, null, false, NONE));
  }

  // ---- checks ----

  private void check(Machine machine, long journalMax) throws Exception {
    rig.admin("store.sweep"); // Works the journal off, too.
    long applianceJournal = bytes(rig.root.resolve("overlays/web01/journal"));
    long rows = bytes(rig.root.resolve("rows"));
    long packs = bytes(rig.root.resolve("packs"));
    long nodeJournal = bytes(machine.directory.resolve("journal"));
    long nodePages = bytes(machine.directory.resolve("pages"));
    long nodeIndex = bytes(machine.directory.resolve("index"));
    long records;
    int indexRows;
    try (OverlayState state = machine.open()) {
      records = OverlayAccess.journalRecords(state);
      indexRows = OverlayAccess.indexRows(state);
    }
    System.err.printf(
        "after %d records: appliance: journal %d bytes (at most %d), rows %d bytes, packs %d bytes;"
            + " node: journal %d records in %d bytes, page log %d bytes, index %d rows in %d"
            + " bytes%n",
        made,
        applianceJournal,
        journalMax,
        rows,
        packs,
        records,
        nodeJournal,
        nodePages,
        indexRows,
        nodeIndex);
    // 256 MiB may wait to be folded; a segment that is not wholly folded, and the last.
    assertTrue(journalMax <= 320 << 20, () -> "journal while it works " + journalMax);
    assertTrue(applianceJournal <= 8 << 20, () -> "journal " + applianceJournal);
    assertTrue(rows <= 128 << 20, () -> "rows " + rows);
    assertTrue(packs <= 16 << 20, () -> "packs " + packs);
    assertTrue(nodeJournal <= 4 * Machine.JOURNAL_SEGMENT_BYTES, () -> "journal " + nodeJournal);
    assertTrue(records <= nodeJournal / 100, () -> "records " + records);
    long pages = OverlayAccess.pagesMax(livePages(), Machine.PAGE_SEGMENT_SLOTS);
    assertTrue(nodePages <= pages * Change.PAGE_BYTES, () -> "page log " + nodePages);
    assertTrue(indexRows <= FILE_ROWS * FILES + 2, () -> "index " + indexRows + " rows");
    assertTrue(nodeIndex <= 32 << 20, () -> "index " + nodeIndex);
  }

  private long livePages() {
    long live = 0;
    for (File file : files) {
      for (int page = 0; page < file.pages; page++) {
        live += file.letters[page] == 0 ? 0 : 1;
      }
    }
    return live;
  }

  private void checkContent(Machine machine) throws FsException {
    for (File file : files) {
      Attributes found = machine.fs.lookup(ROOT, NodeId.ROOT, Name.of(file.name));
      assertEquals(file.node, found.node(), file.name);
      assertEquals(file.mode, found.permissions(), file.name);
      assertEquals((long) file.pages * Change.PAGE_BYTES, found.sizeBytes(), file.name);
      for (int page = 0; page < file.pages; page++) {
        ByteBuffer read = ByteBuffer.allocate(1);
        machine.fs.read(ROOT, file.node, NONE, (long) page * Change.PAGE_BYTES, read);
        assertEquals(file.letters[page], read.get(0), file.name + " page " + page);
      }
      if (file.xattr != null) {
        assertEquals(
            new String(file.xattr, StandardCharsets.ISO_8859_1),
            new String(
                machine.fs.getxattr(ROOT, file.node, Name.of("user.own")),
                StandardCharsets.ISO_8859_1));
      }
    }
  }

  private static long bytes(Path directory) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        try {
          bytes += Files.size(file);
        } catch (NoSuchFileException e) {
          // It went meanwhile.
        }
      }
    }
    return bytes;
  }
}
