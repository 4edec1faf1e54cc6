package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What goes wrong gets one clear line and an exit code; nothing is lost, and what was stored before
 * stays readable.
 */
final class BadInputTest {
  private static final int INVALID = 2;
  private static final int NOT_FOUND = 3;
  private static final int CONFLICT = 4;
  private static final int CORRUPT = 6;
  private static final int NO_SPACE = 8;
  private static final int INCOMPATIBLE = 9;

  private Sandbox user;
  private Path rootfs;

  @BeforeEach
  void importATree() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance();
    rootfs = user.importSmallTree();
    user.run("node", "add", "web01", "--master", "debian").ok();
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  @Test
  void aSourceThatIsMissing() throws Exception {
    user.run("repo", "import", "debian", user.path("nowhere").toString())
        .refused(NOT_FOUND, user.path("nowhere").toString());
    assertStoreIsWhole();
  }

  @Test
  void aSourceThatIsNoTar() throws Exception {
    Path file = Files.writeString(user.path("file"), "no tar at all\n".repeat(100));
    Run refused = user.run("repo", "import", "debian", file.toString());
    assertEquals(1, refused.err().lines().count(), refused::toString);
    assertTrue(refused.exitCode() != 0, refused::toString);
    user.run("repo", "import", "debian", "/dev/null");
    assertStoreIsWhole();
  }

  @Test
  void aSourceThatCannotBeRead() throws Exception {
    // Root may read everything: a file whose reading fails is one of a filesystem that is gone.
    Path tar = user.path("cut.tar");
    Sandbox.shell("tar -C \"$1\" -cf - . | head -c 200000 >\"$2\"", rootfs, tar);
    Run refused = user.run("repo", "import", "debian", tar.toString());
    assertTrue(refused.exitCode() != 0, refused::toString);
    assertEquals(1, refused.err().lines().count(), refused::toString);
    assertStoreIsWhole();
  }

  @Test
  void unknownNamesAreAnsweredWithTheNearest() throws Exception {
    user.run("repo", "versions", "debain").refused(NOT_FOUND, "'debain'", "'debian'");
    user.run("node", "add", "web02", "--master", "debiam").refused(NOT_FOUND, "'debian'");
    user.run("node", "show", "web1").refused(NOT_FOUND, "'web1'", "'web01'");
    user.run("mount", "wbe01", user.newDirectory("m").toString())
        .refused(NOT_FOUND, "'wbe01'", "'web01'");
    user.run("snapshot", "create", "web01", "--name", "before").ok();
    user.run("rollback", "web01", "befroe").refused(NOT_FOUND, "'befroe'", "'before'");
    user.run("snapshot", "diff", "web01", "before", "lvie").refused(NOT_FOUND, "'lvie'");
    user.run("node", "update", "web01", "--to", "latset").refused(NOT_FOUND, "'latest'");
    user.run("node", "update", "web01", "--to", "7").refused(NOT_FOUND, "7");
    user.run("node", "add", "web02", "--template", "debain").refused(NOT_FOUND, "'debian'");
  }

  @Test
  void namesThatAreNone() throws Exception {
    for (String name : new String[] {"a/b", "../x", ".hidden", "x".repeat(64), "web 01"}) {
      user.run("node", "add", name, "--master", "debian").refused(INVALID, "name");
      user.run("repo", "import", name, rootfs.toString()).refused(INVALID, "name");
      user.run("snapshot", "create", "web01", "--name", name).refused(INVALID, "name");
    }
  }

  @Test
  void mountPointsThatAreNone() throws Exception {
    Path full = user.newDirectory("full");
    Files.writeString(full.resolve("file"), "x");
    user.run("mount", "web01", full.toString()).refused(CONFLICT, full.toString(), "not empty");
    assertNoDaemonWaits();
    user.run("mount", "web01", full.resolve("file").toString()).refused(INVALID, "not a directory");
    user.run("mount", "web01", user.path("none").toString()).refused(NOT_FOUND, "does not exist");
    Path root = user.mount("web01");
    user.run("mount", "web01", root.toString())
        .refused(CONFLICT, root.toString(), "already mounted");
    user.run("mount", "web01", user.newDirectory("other").toString(), "--log", user.log("second"))
        .refused(CONFLICT, "web01", "mounted");
    assertEquals("Welcome.\n", Files.readString(root.resolve("etc/motd")));
    user.umount(root).ok();
    user.umount(root).refused(INVALID, "nothing is mounted");
    user.umount(Path.of("/proc")).refused(INVALID, "not mounted by MapFS");
  }

  @Test
  void whatMountsRefuse() throws Exception {
    user.run("snapshot", "create", "web01", "--name", "s").ok();
    Path root = user.mount("web01");
    user.run("rollback", "web01", "s").refused(CONFLICT, "web01", "mounted");
    user.run("node", "remove", "web01").refused(CONFLICT, "web01", "mounted");
    user.umount(root).ok();
  }

  private Run serve(String store, String listen) throws Exception {
    String path = user.path(store).toString();
    return user.run("appliance", "serve", "--store", path, "--listen", listen, "--insecure");
  }

  @Test
  void aPortInUse() throws Exception {
    user.run("appliance", "init", "--store", user.path("store2").toString()).ok();
    serve("store2", user.address()).refused(CONFLICT, user.address(), "in use");
  }

  @Test
  void aStoreThatIsServedAlready() throws Exception {
    serve("store", "127.0.0.1:0").refused(CONFLICT, user.path("store").toString());
  }

  @Test
  void storesThatAreNone() throws Exception {
    user.run("appliance", "init", "--store", user.path("store").toString())
        .refused(CONFLICT, "a store already");
    user.run("appliance", "init", "--store", rootfs.toString()).refused(INVALID, "not empty");
    serve("none", "127.0.0.1:0").refused(NOT_FOUND, user.path("none").toString(), "appliance init");
  }

  @Test
  void aStoreOfANewerFormat() throws Exception {
    user.stopAppliance();
    Path format = user.path("store").resolve("FORMAT");
    String text = Files.readString(format);
    Files.writeString(format, text.replace("format 1", "format 3"));
    serve("store", "127.0.0.1:0").refused(INCOMPATIBLE, "format 3", "newer release");
    Files.writeString(format, text);
    user.serve();
    assertStoreIsWhole();
  }

  @Test
  void aFlippedBitInAPackIsFoundAndNeverServed() throws Exception {
    user.stopAppliance();
    Path pack = largestFile(user.path("store").resolve("packs"));
    flip(pack, Files.size(pack) / 2);
    user.serve();
    Run verify = user.run("repo", "verify");
    assertEquals(CORRUPT, verify.exitCode(), verify::toString);
    assertTrue(verify.out().contains(pack.getFileName().toString()), verify::toString);
    Path root = user.mount("web01");
    int[] good = {0};
    int bad = unreadable(root, good);
    assertTrue(bad >= 1, "nothing was found damaged");
    assertTrue(good[0] > 100, "what is whole stays readable: " + good[0]);
    user.umount(root).ok();
  }

  @Test
  void importingAgainHealsWhatIsDamaged() throws Exception {
    user.stopAppliance();
    Path pack = largestFile(user.path("store").resolve("packs"));
    flip(pack, Files.size(pack) / 2);
    user.serve();
    assertEquals(CORRUPT, user.run("repo", "verify").exitCode());
    user.run("repo", "import", "debian", rootfs.toString()).ok();
    user.run("repo", "verify").ok();
    Path root = user.mount("web01");
    assertEquals(
        "Identical.\n", user.run("fingerprint", rootfs.toString(), root.toString()).ok().out());
    user.umount(root).ok();
  }

  @Test
  void aPackThatWasCutOff() throws Exception {
    user.stopAppliance();
    Path pack = largestFile(user.path("store").resolve("packs"));
    truncate(pack, Files.size(pack) / 2);
    user.serve();
    Run verify = user.run("repo", "verify");
    assertEquals(CORRUPT, verify.exitCode(), verify::toString);
    Path root = user.mount("web01");
    assertTrue(unreadable(root, new int[1]) >= 1, "nothing was found missing");
    user.umount(root).ok();
  }

  @Test
  void aDamagedIndexOfThePacksIsMadeAgain() throws Exception {
    // Its rows go from the log into a table.
    user.stopAppliance();
    user.serve();
    user.stopAppliance();
    Path index = user.path("store").resolve("index");
    truncate(largestTable(index), 100);
    user.serve();
    assertStoreIsWhole();
    user.stopAppliance();
    Files.delete(index.resolve("CURRENT"));
    user.serve();
    assertStoreIsWhole();
    user.stopAppliance();
    // In a table's rows a flipped bit shows when they are read; made again, they are in the log.
    user.serve();
    user.stopAppliance();
    flip(largestTable(index), 1);
    user.serve();
    Run verify = user.run("repo", "verify");
    if (verify.exitCode() != 0) {
      verify.refused(CORRUPT, "index", "start the appliance anew");
      user.stopAppliance();
      user.serve();
    }
    assertStoreIsWhole();
    user.stopAppliance();
    Path control = user.path("store").resolve("control/CURRENT");
    byte[] current = Files.readAllBytes(control);
    Files.delete(control);
    serve("store", "127.0.0.1:0").refused(CORRUPT, "control", "CURRENT");
    Files.write(control, current);
    user.serve();
    assertStoreIsWhole();
  }

  private static Path largestTable(Path database) throws IOException {
    try (Stream<Path> files = Files.list(database)) {
      return files
          .filter(file -> file.toString().endsWith(".sst"))
          .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
          .orElseThrow();
    }
  }

  @Test
  void aFlippedBitInATreeIndexIsFoundAndTheTreeNotServed() throws Exception {
    user.run("repo", "import", "other", rootfs.resolve("usr").toString()).ok();
    user.run("node", "add", "o1", "--master", "other").ok();
    user.stopAppliance();
    Path tree = largestFile(user.path("store").resolve("trees/debian"));
    flip(tree, Files.size(tree) / 2);
    user.serve();
    Run verify = user.run("repo", "verify");
    assertEquals(CORRUPT, verify.exitCode(), verify::toString);
    Run mount =
        user.run("mount", "web01", user.newDirectory("m").toString(), "--log", user.log("x"));
    assertEquals(CORRUPT, mount.exitCode(), mount::toString);
    assertEquals(1, mount.err().lines().count(), mount::toString);
    Path other = user.mount("o1");
    assertEquals(0, unreadable(other, new int[1]));
    user.umount(other).ok();
  }

  @Test
  void aTreeIndexThatWasCutOff() throws Exception {
    user.stopAppliance();
    Path tree = largestFile(user.path("store").resolve("trees/debian"));
    truncate(tree, Files.size(tree) - 100);
    user.serve();
    Run mount =
        user.run("mount", "web01", user.newDirectory("m").toString(), "--log", user.log("x"));
    assertEquals(CORRUPT, mount.exitCode(), mount::toString);
    assertEquals(1, mount.err().lines().count(), mount::toString);
  }

  @Test
  void aManifestThatIsDamaged() throws Exception {
    Path root = user.mount("web01");
    Files.writeString(root.resolve("etc/motd"), "one\n");
    user.run("snapshot", "create", "web01", "--name", "one").ok();
    user.run("snapshot", "show", "web01", "one", "--manifest").ok();
    Files.writeString(root.resolve("etc/motd"), "two\n");
    user.run("snapshot", "create", "web01", "--name", "two").ok();
    user.run("snapshot", "show", "web01", "two", "--manifest").ok();
    user.umount(root).ok();
    user.stopAppliance();
    Path manifest = largestFile(user.path("store").resolve("overlays/web01/snapshots"));
    flip(manifest, Files.size(manifest) / 2);
    user.serve();
    int refused = 0;
    for (String snapshot : new String[] {"one", "two"}) {
      Run show = user.run("snapshot", "show", "web01", snapshot, "--manifest");
      if (show.exitCode() != 0) {
        show.refused(CORRUPT, manifest.getFileName().toString());
        refused++;
      }
    }
    assertEquals(1, refused, "the damaged one, and no other");
    user.stopAppliance();
    truncate(manifest, Files.size(manifest) / 2);
    user.serve();
    user.run("repo", "verify").ok();
    user.run("rollback", "web01", "one").ok();
    user.mount("web01");
    assertEquals("one\n", Files.readString(root.resolve("etc/motd")));
    user.umount(root).ok();
  }

  @Test
  void aFullDiskDuringImport() throws Exception {
    try (Sandbox other = new Sandbox()) {
      Path store = other.newDirectory("store");
      Sandbox.shell("mount -t tmpfs -o size=64m tmpfs \"$1\"", store);
      other.withAppliance();
      other.run("repo", "import", "debian", rootfs.toString()).ok();
      Path large = other.newDirectory("large");
      byte[] noise = new byte[8 << 20];
      for (int i = 0; i < 12; i++) {
        new Random(i).nextBytes(noise);
        Files.write(large.resolve("file-" + i), noise);
      }
      other.run("repo", "import", "debian", large.toString()).refused(NO_SPACE);
      other.run("repo", "verify").ok();
      other.run("node", "add", "n1", "--master", "debian").ok();
      Path root = other.mount("n1");
      assertEquals(
          "Identical.\n", other.run("fingerprint", rootfs.toString(), root.toString()).ok().out());
      other.umount(root).ok();
      other.stopAppliance();
    }
  }

  /** The process that a mount starts ahead ends when the mount is refused. */
  private void assertNoDaemonWaits() throws IOException, InterruptedException {
    String ours = "MAPFS_RUN=" + user.path("run");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    List<String> waiting = List.of("not looked yet");
    while (!waiting.isEmpty() && System.nanoTime() < deadline) {
      waiting =
          ProcessHandle.allProcesses()
              .map(process -> Path.of("/proc", String.valueOf(process.pid())))
              .filter(process -> contains(process.resolve("cmdline"), "--await"))
              .filter(process -> contains(process.resolve("environ"), ours))
              .map(Path::toString)
              .toList();
      Thread.sleep(50);
    }
    assertEquals(List.of(), waiting);
  }

  private static boolean contains(Path file, String part) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(part);
    } catch (IOException e) {
      return false; // it has ended
    }
  }

  private void assertStoreIsWhole() throws Exception {
    user.run("repo", "verify").ok();
    assertEquals(
        1,
        user.run("repo", "versions", "debian", "-o", "json")
            .ok()
            .json()
            .getAsJsonArray("versions")
            .size());
    Path root = user.mount("web01");
    user.run("fingerprint", rootfs.toString(), root.toString()).ok();
    user.umount(root).ok();
  }

  /** How many files cannot be read; the others are counted too. */
  private static int unreadable(Path root, int[] readable) throws IOException {
    int bad = 0;
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        try {
          Files.readAllBytes(file);
          readable[0]++;
        } catch (IOException e) {
          bad++;
        }
      }
    }
    return bad;
  }

  private static Path largestFile(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files
          .filter(Files::isRegularFile)
          .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
          .orElseThrow();
    }
  }

  private static void flip(Path file, long offsetBytes) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(offsetBytes);
      int value = bytes.read();
      bytes.seek(offsetBytes);
      bytes.write(value ^ 0x10);
    }
  }

  private static void truncate(Path file, long sizeBytes) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.setLength(sizeBytes);
    }
  }
}
