package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.fuseOverlayfs;
import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.Sandbox;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Directories, names, and what overlays keep in them for themselves. */
final class DirectoryCases {
  private static final int RENAME_WHITEOUT = 4;

  private DirectoryCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "A lower directory can be renamed",
            kernel("renaming directories"),
            DirectoryCases::tree,
            DirectoryCases::renamesLower),
        new Case(
            "A directory with lower and new entries can be renamed",
            kernel("renaming directories"),
            DirectoryCases::tree,
            DirectoryCases::renamesMerged),
        new Case(
            "A lower directory can be exchanged with a new one",
            kernel("renaming directories"),
            DirectoryCases::tree,
            DirectoryCases::exchanges),
        new Case(
            "Files are moved and linked between lower and new directories",
            kernel("redirect_dir") + "; " + fuseOverlayfs(33),
            DirectoryCases::tree,
            DirectoryCases::movesFiles),
        new Case(
            "A directory's descriptor and a working directory follow its rename",
            kernel("renaming directories"),
            DirectoryCases::tree,
            DirectoryCases::followsRename),
        new Case(
            "A removed directory that is made again is empty, inside too",
            kernel("whiteouts and opaque directories") + "; " + fuseOverlayfs(478),
            DirectoryCases::tree,
            DirectoryCases::isEmptyWhenMadeAgain),
        new Case(
            "A lower directory can be removed once its entries are",
            kernel("whiteouts and opaque directories") + "; " + fuseOverlayfs(324),
            DirectoryCases::tree,
            DirectoryCases::removes),
        new Case(
            "st_nlink of a directory is two and its subdirectories",
            kernel("Directories"),
            DirectoryCases::tree,
            DirectoryCases::countsSubdirectories),
        new Case(
            "A directory's mtime moves with its entries, and only then",
            kernel("Directories"),
            DirectoryCases::tree,
            DirectoryCases::movesTimes),
        new Case(
            "A character device 0/0 can be made",
            kernel("whiteouts and opaque directories"),
            DirectoryCases::tree,
            DirectoryCases::makesWhiteoutDevice),
        new Case(
            "renameat2 with RENAME_WHITEOUT leaves a device 0/0",
            kernel("whiteouts and opaque directories"),
            DirectoryCases::tree,
            DirectoryCases::renamesWithWhiteout),
        new Case(
            "Names that begin with .wh. are names like others",
            "fuse-overlayfs: whiteouts by name",
            DirectoryCases::tree,
            DirectoryCases::takesWhiteoutNames),
        new Case(
            "xattrs of overlay filesystems are xattrs like others",
            kernel("Nesting overlayfs mounts"),
            DirectoryCases::tree,
            DirectoryCases::takesOverlayXattrs),
        new Case(
            "A lower tree may itself hold 0/0 devices, .wh. names and overlay xattrs",
            kernel("Nesting overlayfs mounts"),
            DirectoryCases::upperTree,
            DirectoryCases::showsUpperTree));
  }

  private static void tree(Path lower) throws Exception {
    Sandbox.shell(
        "cd \"$1\"; mkdir -p d/a/b d/c; echo f >d/f; echo g >d/a/g; echo h >d/a/b/h; echo out >out",
        lower);
  }

  private static void renamesLower(Scene scene) throws Exception {
    scene.rename("d", "e");
    assertEquals(List.of("e", "out"), List.copyOf(scene.list(".").keySet()), "the names");
    assertEquals("h\n", scene.read("e/a/b/h"), "the content");
    scene.remount();
    assertEquals("h\n", scene.read("e/a/b/h"), "the content after a remount");
  }

  private static void renamesMerged(Scene scene) throws Exception {
    scene.create("d/a/new");
    scene.unlink("d/a/g");
    scene.mkdir("to");
    scene.rename("d/a", "to/a");
    assertEquals(Set.of("b", "new"), scene.list("to/a").keySet(), "the names");
    assertEquals(Set.of("c", "f"), scene.list("d").keySet(), "the names left behind");
  }

  private static void exchanges(Scene scene) throws Exception {
    scene.mkdir("new");
    scene.create("new/inside");
    scene.rename("d", "new", Posix.RENAME_EXCHANGE);
    assertEquals(Set.of("inside"), scene.list("d").keySet(), "the names");
    assertEquals(Set.of("a", "c", "f"), scene.list("new").keySet(), "the names");
  }

  private static void movesFiles(Scene scene) throws Exception {
    scene.mkdir("new");
    scene.create("new/made");
    scene.rename("out", "new/out");
    scene.rename("new/made", "d/a/made");
    scene.link("d/f", "new/f");
    scene.link("d/a/made", "d/c/made");
    scene.rename("d/a/g", "d/c/g");
    assertEquals("out\nf\ng\n", scene.sh("cat new/out new/f d/c/g") + "\n", "the content");
    assertEquals(2, scene.stat("new/f").nlink(), "st_nlink");
  }

  private static void followsRename(Scene scene) throws Exception {
    try (Descriptor directory = scene.open("d/a", OpenFlags.O_DIRECTORY)) {
      scene.rename("d", "e");
      Posix.makeDirectory(directory.number(), Posix.bytes("made"), 0755);
      assertTrue(scene.list("e/a").containsKey("made"), "made elsewhere");
    }
    assertEquals(
        scene.path("x/a").toString(),
        scene.sh("cd e/a; mv ../../e ../../x; /bin/pwd"),
        "the working directory");
  }

  private static void isEmptyWhenMadeAgain(Scene scene) throws Exception {
    scene.sh("rm -r d; mkdir -p d/a/b");
    assertEquals(Set.of("a"), scene.list("d").keySet(), "lower entries are back");
    assertEquals(Set.of("b"), scene.list("d/a").keySet(), "lower entries are back");
    // The same again, of what is now no longer lower.
    scene.sh("rm -r d; mkdir -p d/a/b");
    scene.remount();
    assertEquals(Set.of("a"), scene.list("d").keySet(), "lower entries are back");
    assertEquals(Set.of("b"), scene.list("d/a").keySet(), "lower entries are back");
    assertEquals(Set.of(), scene.list("d/a/b").keySet(), "lower entries are back");
    scene.rmdir("d/a/b");
    scene.rmdir("d/a");
  }

  private static void removes(Scene scene) throws Exception {
    scene.unlink("d/a/b/h");
    scene.rmdir("d/a/b");
    scene.unlink("d/a/g");
    scene.rmdir("d/a");
    scene.create("d/a");
    assertEquals(FileType.REGULAR, scene.stat("d/a").type(), "the type");
    scene.rmdir("d/c");
    scene.rename("d/f", "d/c");
    assertEquals(Set.of("a", "c"), scene.list("d").keySet(), "the names");
    scene.remount();
    assertEquals(Set.of("a", "c"), scene.list("d").keySet(), "the names after a remount");
  }

  private static void countsSubdirectories(Scene scene) throws Exception {
    assertEquals(4, scene.stat("d").nlink(), "st_nlink");
    scene.mkdir("d/new");
    assertEquals(5, scene.stat("d").nlink(), "st_nlink");
    scene.rmdir("d/c");
    assertEquals(4, scene.stat("d").nlink(), "st_nlink");
    scene.rename("d/a", "a");
    assertEquals(3, scene.stat("d").nlink(), "st_nlink");
    assertEquals(4, scene.stat(".").nlink(), "st_nlink");
  }

  private static void movesTimes(Scene scene) throws Exception {
    scene.sh("touch -d @1000000000 d d/c");
    FileStatus before = scene.stat("d");
    scene.sh("chmod 600 d/f; echo more >>d/f; touch d/c/new");
    assertEquals(before.mtime(), scene.stat("d").mtime(), "mtime moves without a change");
    scene.unlink("d/f");
    assertTrue(before.mtime().compareTo(scene.stat("d").mtime()) < 0, "mtime stays");
    assertTrue(before.mtime().compareTo(scene.stat("d/c").mtime()) < 0, "mtime stays");
  }

  private static void makesWhiteoutDevice(Scene scene) throws Exception {
    scene.sh("mknod d/device c 0 0");
    assertEquals(FileType.CHARACTER_DEVICE, scene.stat("d/device").type(), "the type");
    assertTrue(scene.list("d").containsKey("device"), "not listed");
    scene.unlink("d/device");
  }

  private static void renamesWithWhiteout(Scene scene) throws Exception {
    scene.rename("d/f", "d/moved", RENAME_WHITEOUT);
    FileStatus left = scene.stat("d/f");
    assertEquals(FileType.CHARACTER_DEVICE, left.type(), "the type");
    assertEquals(0, left.rdev(), "the device number");
    assertEquals("f\n", scene.read("d/moved"), "the content");
  }

  private static void takesWhiteoutNames(Scene scene) throws Exception {
    scene.create("d/.wh.f");
    scene.create("d/a/.wh..wh..opq");
    assertEquals(Set.of(".wh.f", "a", "c", "f"), scene.list("d").keySet(), "the names");
    scene.remount();
    assertEquals(Set.of(".wh.f", "a", "c", "f"), scene.list("d").keySet(), "after a remount");
    assertEquals(Set.of(".wh..wh..opq", "b", "g"), scene.list("d/a").keySet(), "after a remount");
  }

  private static void takesOverlayXattrs(Scene scene) throws Exception {
    String[] names = {
      "trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque",
    };
    for (String name : names) {
      scene.sh("setfattr -n " + name + " -v y d");
      assertEquals("y", scene.sh("getfattr --only-values -n " + name + " d"), "the value");
    }
    assertEquals("3", scene.sh("getfattr -m opaque d | grep -c opaque"), "names listed");
    scene.remount();
    assertEquals(Set.of("a", "c", "f"), scene.list("d").keySet(), "hides what is in it");
    assertEquals(
        "y", scene.sh("getfattr --only-values -n user.fuseoverlayfs.opaque d"), "the value");
  }

  private static void upperTree(Path lower) throws Exception {
    tree(lower);
    Sandbox.shell(
        "cd \"$1\"; mknod d/device c 0 0; touch d/.wh.f d/a/.wh..wh..opq;"
            + " setfattr -n trusted.overlay.opaque -v y d/c;"
            + " setfattr -n user.fuseoverlayfs.opaque -v y d/c",
        lower);
  }

  private static void showsUpperTree(Scene scene) throws Exception {
    assertEquals(
        Set.of(".wh.f", "a", "c", "device", "f"), scene.list("d").keySet(), "names are missing");
    assertEquals(Set.of(".wh..wh..opq", "b", "g"), scene.list("d/a").keySet(), "names are missing");
    for (String name : new String[] {"trusted.overlay.opaque", "user.fuseoverlayfs.opaque"}) {
      assertEquals("y", scene.sh("getfattr --only-values -n " + name + " d/c"), "an xattr");
    }
    scene.create("d/new");
    assertThrowsExists(scene, "d/device");
  }

  private static void assertThrowsExists(Scene scene, String name) {
    assertEquals(
        Errno.EEXIST, assertThrows(FsException.class, () -> scene.create(name)).errno(), name);
  }
}
