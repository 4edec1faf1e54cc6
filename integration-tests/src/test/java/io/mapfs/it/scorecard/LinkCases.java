package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.fuseOverlayfs;
import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files with several names. */
final class LinkCases {
  private LinkCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "Hard links stay one file when it is written by one name",
            kernel("index"),
            LinkCases::twoNames,
            scene -> {
              scene.overwrite("one", "ONE");
              assertOneFile(scene);
            }),
        new Case(
            "They are one file after a remount too",
            kernel("index"),
            LinkCases::twoNames,
            scene -> {
              scene.overwrite("one", "ONE");
              scene.remount();
              assertOneFile(scene);
            }),
        new Case(
            "A descriptor of one name sees what is written by another",
            kernel("index"),
            LinkCases::twoNames,
            LinkCases::seesTheOtherName),
        new Case(
            "Attributes that are changed by one name show by the others",
            kernel("index") + "; " + fuseOverlayfs(124),
            LinkCases::twoNames,
            scene ->
                assertEquals(
                    "600 1 b",
                    scene.sh(
                        "stat directory/two >/dev/null; chmod 600 one; chown 1 one;"
                            + " setfattr -n user.a -v b one; echo $(stat -c '%a %u' directory/two)"
                            + " $(getfattr --only-values -n user.a directory/two)"),
                    "the other name has the old ones")),
        new Case(
            "st_nlink counts names as they come and go",
            fuseOverlayfs(192),
            LinkCases::twoNames,
            LinkCases::countsNames));
  }

  private static void twoNames(Path lower) throws Exception {
    Files.writeString(lower.resolve("one"), "content");
    Files.createDirectory(lower.resolve("directory"));
    Files.createLink(lower.resolve("directory/two"), lower.resolve("one"));
  }

  private static void assertOneFile(Scene scene) throws Exception {
    assertEquals("ONEtent", scene.read("directory/two"), "the other name has the old content");
    FileStatus one = scene.stat("one");
    FileStatus two = scene.stat("directory/two");
    assertEquals(one.ino(), two.ino(), "two inodes");
    assertEquals(2, one.nlink(), "st_nlink");
    assertEquals(2, two.nlink(), "st_nlink");
  }

  private static void seesTheOtherName(Scene scene) throws Exception {
    try (Descriptor two = scene.open("directory/two", OpenFlags.O_RDONLY)) {
      scene.overwrite("one", "ONE");
      assertEquals("ONEtent", Scene.read(two), "old content");
    }
  }

  private static void countsNames(Scene scene) throws Exception {
    try (Descriptor file = scene.open("one", OpenFlags.O_RDONLY)) {
      assertLinks(scene, "one", 2);
      scene.link("one", "three");
      assertLinks(scene, "three", 3);
      assertLinks(scene, "directory/two", 3);
      scene.unlink("one");
      assertLinks(scene, "directory/two", 2);
      scene.unlink("three");
      assertLinks(scene, "directory/two", 1);
      scene.unlink("directory/two");
      assertEquals(0, Posix.status(file.number()).nlink(), "st_nlink after the last");
    }
  }

  private static void assertLinks(Scene scene, String name, int expected) throws Exception {
    assertEquals(expected, scene.stat(name).nlink(), "st_nlink");
  }
}
