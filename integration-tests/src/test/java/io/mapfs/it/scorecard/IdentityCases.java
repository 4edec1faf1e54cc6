package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.fuseOverlayfs;
import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.LinuxCalls;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a file is known by: st_dev, st_ino, d_ino, handles, its birth. */
final class IdentityCases {
  /** What makes a private copy of a file, each with its own. */
  private static final String[] CHANGES = {
    "printf x | dd of=write conv=notrunc status=none",
    "truncate -s 1 truncate",
    "chmod 600 mode",
    "chown 1:1 owner",
    "touch times",
    "setfattr -n user.a -v b xattr",
    "ln link linked",
    "mv rename renamed && mv renamed rename",
    "chown -h 1:1 symlink",
    "chmod 700 directory",
    "touch into/new",
  };

  private static final String[] FILES = {
    "write",
    "truncate",
    "mode",
    "owner",
    "times",
    "xattr",
    "link",
    "rename",
    "symlink",
    "directory",
    "into",
    "untouched",
  };

  private IdentityCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "st_ino and st_dev stay when a file is first changed",
            kernel("Inode properties"),
            IdentityCases::oneOfEach,
            IdentityCases::staysWhenChanged),
        new Case(
            "st_ino stays over a remount, of changed files too",
            kernel("Inode properties"),
            IdentityCases::oneOfEach,
            IdentityCases::staysOverRemount),
        new Case(
            "d_ino is st_ino, before and after a change",
            kernel("Inode properties") + "; " + fuseOverlayfs(391),
            IdentityCases::oneOfEach,
            IdentityCases::listsTheSameNumbers),
        new Case(
            "All files of the mount have one st_dev",
            kernel("Inode properties"),
            IdentityCases::oneOfEach,
            IdentityCases::oneDevice),
        new Case(
            "/proc/PID/maps names a mapped file by its st_dev and st_ino",
            kernel("Inode properties"),
            lower -> Files.writeString(lower.resolve("file"), "content"),
            IdentityCases::mapsNameTheFile),
        new Case(
            "/proc/locks and inotify's fdinfo name a file by its st_ino",
            kernel("Inode properties"),
            lower -> Files.writeString(lower.resolve("file"), "content"),
            IdentityCases::procNamesTheFile),
        new Case(
            "The birth time stays when a file is first changed",
            kernel("Non-directories"),
            lower -> Files.writeString(lower.resolve("file"), "content"),
            IdentityCases::keepsItsBirth),
        new Case(
            "A file handle opens its file, before and after the first change",
            kernel("NFS export"),
            lower -> Files.writeString(lower.resolve("file"), "content"),
            IdentityCases::handlesOpen));
  }

  private static void oneOfEach(Path lower) throws Exception {
    Sandbox.shell(
        "cd \"$1\"; for f in write truncate mode owner times xattr link rename untouched; do"
            + " echo $f >$f; done; ln -s target symlink; mkdir directory into; touch into/old",
        lower);
  }

  private static void change(Scene scene) throws Exception {
    scene.sh(String.join("; ", CHANGES));
  }

  private static Map<String, FileStatus> statuses(Scene scene) throws Exception {
    Map<String, FileStatus> statuses = new LinkedHashMap<>();
    for (String file : FILES) {
      statuses.put(file, scene.stat(file));
    }
    return statuses;
  }

  private static void staysWhenChanged(Scene scene) throws Exception {
    Map<String, FileStatus> before = statuses(scene);
    change(scene);
    for (Map.Entry<String, FileStatus> file : before.entrySet()) {
      FileStatus now = scene.stat(file.getKey());
      assertEquals(file.getValue().ino(), now.ino(), "st_ino changes");
      assertEquals(file.getValue().device(), now.device(), "st_dev changes");
    }
  }

  private static void staysOverRemount(Scene scene) throws Exception {
    Map<String, FileStatus> before = statuses(scene);
    change(scene);
    scene.remount();
    for (Map.Entry<String, FileStatus> file : before.entrySet()) {
      assertEquals(file.getValue().ino(), scene.stat(file.getKey()).ino(), "st_ino changes");
    }
  }

  private static void listsTheSameNumbers(Scene scene) throws Exception {
    assertListed(scene);
    change(scene);
    scene.create("new");
    assertListed(scene);
  }

  private static void assertListed(Scene scene) throws Exception {
    for (Map.Entry<String, Long> entry : scene.list(".").entrySet()) {
      assertEquals(scene.stat(entry.getKey()).ino(), entry.getValue(), "d_ino is not st_ino");
    }
  }

  private static void oneDevice(Scene scene) throws Exception {
    change(scene);
    scene.create("new");
    scene.mkdir("newDirectory");
    int device = scene.stat(".").device();
    for (String name : scene.list(".").keySet()) {
      assertEquals(device, scene.stat(name).device(), "several st_dev");
    }
  }

  private static void mapsNameTheFile(Scene scene) throws Exception {
    Path file = scene.path("file");
    try (SharedMap map = SharedMap.forReading(scene, "file")) {
      assertEquals('c', map.first(), "the content");
      // address permissions offset major:minor inode path
      String[] line =
          Files.readAllLines(Path.of("/proc/self/maps")).stream()
              .filter(candidate -> candidate.endsWith(" " + file))
              .findFirst()
              .orElseThrow(() -> new AssertionError("the path is not there"))
              .split(" +");
      FileStatus status = scene.stat("file");
      String device =
          String.format(
              "%02x:%02x", FileStatus.major(status.device()), FileStatus.minor(status.device()));
      assertEquals(status.ino(), Long.parseLong(line[4]), "another inode");
      assertEquals(device, line[3], "another device");
    }
  }

  private static void procNamesTheFile(Scene scene) throws Exception {
    long ino = scene.stat("file").ino();
    int watch = LinuxCalls.inotify(scene.path("file").toString(), LinuxCalls.IN_MODIFY);
    try (Descriptor file = scene.open("file", OpenFlags.O_RDWR)) {
      LinuxCalls.lock(file.number(), true);
      assertTrue(
          Files.readAllLines(Path.of("/proc/locks")).stream()
              .anyMatch(line -> line.matches(".* [0-9a-f]+:[0-9a-f]+:" + ino + " .*")),
          "/proc/locks has another inode");
      assertTrue(
          Files.readString(Path.of("/proc/self/fdinfo/" + watch))
              .contains(" ino:" + Long.toHexString(ino) + " "),
          "fdinfo has another inode");
    } finally {
      LinuxCalls.close(watch);
    }
  }

  private static void keepsItsBirth(Scene scene) throws Exception {
    FileTime birth = scene.stat("file").btime();
    assertNotNull(birth, "not shown");
    scene.overwrite("file", "CON");
    assertEquals(birth, scene.stat("file").btime(), "the birth time changes");
  }

  private static void handlesOpen(Scene scene) throws Exception {
    LinuxCalls.Handle handle = LinuxCalls.handle(scene.path("file").toString());
    assertOpens(scene, handle, "content");
    scene.overwrite("file", "CON");
    assertOpens(scene, handle, "CONtent");
    assertOpens(scene, LinuxCalls.handle(scene.path("file").toString()), "CONtent");
  }

  private static void assertOpens(Scene scene, LinuxCalls.Handle handle, String content)
      throws Exception {
    try (Descriptor mount = scene.open(".", OpenFlags.O_DIRECTORY);
        Descriptor file =
            Posix.openByHandle(mount.number(), handle.type(), handle.bytes(), OpenFlags.O_RDONLY)) {
      assertEquals(content, Scene.read(file), "another content");
    }
  }
}
