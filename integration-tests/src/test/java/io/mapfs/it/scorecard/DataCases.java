package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.LinuxCalls;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Content: who sees a change of it, and what a change costs. */
final class DataCases {
  private static final String NON_STANDARD = kernel("Non-standard behavior");
  private static final String COPY_UP = kernel("Non-directories");

  private static final int LARGE_BYTES = 32 << 20;

  /** What one change may cost, logs and indexes and all. */
  private static final int SMALL_BYTES = 1 << 20;

  private DataCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "A descriptor that only reads sees later writes",
            NON_STANDARD,
            DataCases::file,
            DataCases::descriptorSeesWrites),
        new Case(
            "A shared map that only reads sees later writes",
            NON_STANDARD + " (b)",
            DataCases::file,
            DataCases::mapSeesWrites),
        new Case(
            "A shared map that only reads sees what a writable one stores",
            NON_STANDARD + " (b)",
            DataCases::file,
            DataCases::mapSeesMap),
        new Case(
            "One byte written into a large file costs no copy of it",
            COPY_UP,
            DataCases::largeFile,
            scene ->
                assertCheap(
                    scene,
                    "printf x | dd of=large bs=1 seek=9999999 conv=notrunc,fsync status=none")),
        new Case(
            "chmod, chown, touch, rename and link copy no content",
            kernel("Metadata only copy up"),
            DataCases::largeFile,
            scene ->
                assertCheap(
                    scene,
                    "chmod 600 large; chown 1:1 large; touch large; ln large linked;"
                        + " mv large renamed; sync renamed")),
        new Case(
            "Opening a file for writing copies nothing",
            COPY_UP,
            DataCases::largeFile,
            scene -> assertCheap(scene, "exec 3<>large; exec 4>>large")),
        new Case(
            "A sparse file stays sparse when it is first written",
            COPY_UP,
            lower -> Sandbox.shell("truncate -s 64M \"$1/sparse\"", lower),
            DataCases::staysSparse),
        new Case(
            "Content can be copied by copy_file_range between lower and new files",
            COPY_UP,
            DataCases::file,
            DataCases::copiesRanges),
        new Case(
            "A hole can be punched into a lower file",
            COPY_UP,
            lower -> Sandbox.shell("yes | head -c 1048576 >\"$1/file\"", lower),
            DataCases::punchesHoles),
        new Case(
            "A file that was removed lives on in all its descriptors",
            COPY_UP,
            DataCases::file,
            scene -> livesOn(scene, () -> scene.unlink("file"))),
        new Case(
            "A file that rename replaced lives on in all its descriptors",
            COPY_UP,
            DataCases::file,
            scene ->
                livesOn(
                    scene,
                    () -> {
                      scene.create("other");
                      scene.rename("other", "file");
                    })),
        new Case(
            "An O_TMPFILE in a lower directory gets a name by linkat",
            COPY_UP,
            DataCases::file,
            DataCases::linksUnnamed));
  }

  private static void file(Path lower) throws Exception {
    Files.writeString(lower.resolve("file"), "content");
  }

  private static void largeFile(Path lower) throws Exception {
    Sandbox.shell("head -c " + LARGE_BYTES + " /dev/urandom >\"$1/large\"", lower);
  }

  private static void descriptorSeesWrites(Scene scene) throws Exception {
    try (Descriptor reader = scene.open("file", OpenFlags.O_RDONLY)) {
      assertEquals("content", Scene.read(reader), "the content");
      scene.overwrite("file", "CON");
      assertEquals("CONtent", Scene.read(reader), "old content");
      LinuxCalls.truncate(scene.path("file").toString(), 3);
      assertEquals("CON", Scene.read(reader), "old content");
      assertEquals(3, Posix.status(reader.number()).sizeBytes(), "old size");
    }
  }

  private static void mapSeesWrites(Scene scene) throws Exception {
    try (SharedMap map = SharedMap.forReading(scene, "file")) {
      assertEquals('c', map.first(), "the content");
      scene.overwrite("file", "CON");
      assertEquals('C', map.first(), "old content");
    }
  }

  private static void mapSeesMap(Scene scene) throws Exception {
    try (SharedMap map = SharedMap.forReading(scene, "file")) {
      assertEquals('c', map.first(), "the content");
      try (SharedMap other = SharedMap.forWriting(scene, "file")) {
        other.setFirst('C');
      }
      assertEquals('C', map.first(), "old content");
    }
    assertEquals("Content", scene.read("file"), "old content");
  }

  private static void assertCheap(Scene scene, String change) throws Exception {
    long before = scene.changedBytes();
    scene.sh(change);
    long cost = scene.changedBytes() - before;
    assertTrue(cost < SMALL_BYTES, () -> "copies the file: " + (cost >> 20) + " MiB");
  }

  private static void staysSparse(Scene scene) throws Exception {
    assertCheap(scene, "printf x | dd of=sparse bs=1 seek=40000000 conv=notrunc,fsync status=none");
    assertTrue(scene.stat("sparse").blocks() * 512 < SMALL_BYTES, "st_blocks");
    try (Descriptor file = scene.open("sparse", OpenFlags.O_RDONLY)) {
      long data = Posix.seekData(file.number(), 0);
      assertTrue(data > SMALL_BYTES && data <= 40000000, "SEEK_DATA");
    }
  }

  private static void copiesRanges(Scene scene) throws Exception {
    scene.create("new");
    try (Descriptor lower = scene.open("file", OpenFlags.O_RDONLY);
        Descriptor made = scene.open("new", OpenFlags.O_RDWR)) {
      assertEquals(7, LinuxCalls.copyRange(lower.number(), made.number(), 7), "bytes copied");
    }
    assertEquals("content", scene.read("new"), "the content");
    scene.overwrite("new", "NEW");
    try (Descriptor made = scene.open("new", OpenFlags.O_RDONLY);
        Descriptor lower = scene.open("file", OpenFlags.O_RDWR)) {
      assertEquals(7, LinuxCalls.copyRange(made.number(), lower.number(), 7), "bytes copied");
    }
    assertEquals("NEWtent", scene.read("file"), "the content");
  }

  private static void punchesHoles(Scene scene) throws Exception {
    assertEquals(
        "0 1044480",
        scene.sh(
            "fallocate -p -o 8192 -l 4096 file; sync file;"
                + " echo $(dd if=file bs=4096 skip=2 count=1 status=none | tr -d '\\0' | wc -c)"
                + " $(tr -d '\\0' <file | wc -c)"),
        "the content");
  }

  /** What takes away a file's name. */
  private interface Removal {
    void run() throws Exception;
  }

  private static void livesOn(Scene scene, Removal removal) throws Exception {
    try (Descriptor reader = scene.open("file", OpenFlags.O_RDONLY);
        Descriptor writer = scene.open("file", OpenFlags.O_RDWR);
        Descriptor late = scene.open("file", OpenFlags.O_RDONLY)) {
      removal.run();
      assertEquals("content", Scene.read(reader), "the content");
      Scene.write(writer, "CON", 0);
      assertEquals("CONtent", Scene.read(reader), "old content");
      Posix.truncate(writer.number(), 3);
      byte[] path = Posix.descriptorPath(late.number());
      Posix.setMode(Posix.AT_FDCWD, path, 0600);
      FileStatus status = Posix.status(reader.number());
      assertEquals(0, status.nlink(), "st_nlink");
      assertEquals(0600, status.permissions(), "the mode");
      assertEquals(3, status.sizeBytes(), "the size");
      try (Descriptor again = Posix.reopen(reader.number(), OpenFlags.O_RDONLY)) {
        assertEquals("CON", Scene.read(again), "the content");
      }
    }
  }

  private static void linksUnnamed(Scene scene) throws Exception {
    int flags = OpenFlags.O_TMPFILE | OpenFlags.O_RDWR;
    try (Descriptor file = scene.open(".", flags)) {
      Scene.write(file, "unnamed", 0);
      Posix.link(
          Posix.AT_FDCWD,
          Posix.descriptorPath(file.number()),
          Posix.AT_FDCWD,
          scene.bytes("named"),
          Posix.AT_SYMLINK_FOLLOW);
    }
    assertEquals("unnamed", scene.read("named"), "the content");
    assertEquals(1, scene.stat("named").nlink(), "st_nlink");
  }
}
