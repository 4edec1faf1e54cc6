package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.fuseOverlayfs;
import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.LinuxCalls;
import io.mapfs.it.LinuxCalls.DirectoryEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reading a directory while it changes. */
final class ListingCases {
  private static final int FILES = 2000;

  /** Room for a small part of the entries. */
  private static final int PART_BYTES = 8192;

  private ListingCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "A listing has every untouched name once while others come and go",
            kernel("readdir"),
            ListingCases::manyFiles,
            ListingCases::listsOnce),
        new Case(
            "A listing leaves out what is removed ahead of it",
            kernel("readdir") + "; " + fuseOverlayfs(46),
            ListingCases::manyFiles,
            ListingCases::leavesOutTheRemoved),
        new Case(
            "An open directory that is rewound lists what came and went",
            kernel("readdir") + "; " + fuseOverlayfs(260),
            ListingCases::manyFiles,
            ListingCases::rewinds),
        new Case(
            "A directory's offsets hold after it was closed, changed and opened again",
            kernel("readdir"),
            ListingCases::manyFiles,
            ListingCases::seeksInAnother));
  }

  private static void manyFiles(Path lower) throws Exception {
    Files.createDirectory(lower.resolve("many"));
    for (int i = 0; i < FILES; i++) {
      Files.createFile(lower.resolve("many/" + i));
    }
  }

  /** The directory, with an entry of the overlay's own. */
  private static Descriptor open(Scene scene) throws Exception {
    scene.sh("touch many/new");
    return scene.open("many", OpenFlags.O_DIRECTORY);
  }

  private static List<String> names(List<DirectoryEntry> entries) {
    return entries.stream().map(DirectoryEntry::name).toList();
  }

  private static List<String> rest(Descriptor directory) throws FsException {
    List<String> names = new ArrayList<>();
    while (true) {
      List<DirectoryEntry> entries = LinuxCalls.entries(directory.number(), PART_BYTES);
      if (entries.isEmpty()) {
        return names;
      }
      names.addAll(names(entries));
    }
  }

  private static void listsOnce(Scene scene) throws Exception {
    List<String> seen;
    Set<String> touched = new HashSet<>();
    try (Descriptor directory = open(scene)) {
      seen = new ArrayList<>(names(LinuxCalls.entries(directory.number(), PART_BYTES)));
      for (int i = 0; i < FILES; i += 3) {
        scene.unlink("many/" + i);
        scene.create("many/new-" + i);
        touched.add(Integer.toString(i));
        touched.add("new-" + i);
      }
      seen.addAll(rest(directory));
    }
    assertUntouchedOnce(seen, touched);
  }

  private static void assertUntouchedOnce(List<String> seen, Set<String> touched) {
    Set<String> once = new HashSet<>();
    for (String name : seen) {
      assertTrue(once.add(name), "names are listed twice");
    }
    for (int i = 0; i < FILES; i++) {
      String name = Integer.toString(i);
      assertTrue(touched.contains(name) || once.contains(name), "names are missing");
    }
  }

  private static void leavesOutTheRemoved(Scene scene) throws Exception {
    try (Descriptor directory = open(scene)) {
      Set<String> seen = new HashSet<>(names(LinuxCalls.entries(directory.number(), PART_BYTES)));
      for (int i = 0; i < FILES; i++) {
        if (!seen.contains(Integer.toString(i))) {
          scene.unlink("many/" + i);
        }
      }
      // The kernel may hold a few that did not fit into what was read before.
      assertTrue(rest(directory).size() < FILES / 10, "removed names are listed");
    }
  }

  private static void rewinds(Scene scene) throws Exception {
    try (Descriptor directory = open(scene)) {
      assertEquals(FILES + 1, rest(directory).size(), "number of names");
      scene.unlink("many/7");
      scene.create("many/newer");
      Posix.seek(directory.number(), 0, Posix.SEEK_SET);
      List<String> again = rest(directory);
      assertTrue(again.contains("newer"), "a new name is missing");
      assertFalse(again.contains("7"), "a removed name is listed");
    }
  }

  private static void seeksInAnother(Scene scene) throws Exception {
    List<DirectoryEntry> first;
    try (Descriptor directory = open(scene)) {
      first = LinuxCalls.entries(directory.number(), PART_BYTES);
    }
    List<String> seen = new ArrayList<>(names(first));
    Set<String> touched = new HashSet<>();
    for (String name : seen.subList(0, seen.size() / 2)) {
      scene.unlink("many/" + name);
      touched.add(name);
    }
    scene.sh("for i in $(seq 100); do touch many/another-$i; done");
    try (Descriptor directory = open(scene)) {
      Posix.seek(directory.number(), first.get(first.size() - 1).nextOffset(), Posix.SEEK_SET);
      for (String name : rest(directory)) {
        if (!name.startsWith("another")) {
          seen.add(name);
        }
      }
    }
    assertUntouchedOnce(seen, touched);
  }
}
