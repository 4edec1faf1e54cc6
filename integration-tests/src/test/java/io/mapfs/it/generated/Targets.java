package io.mapfs.it.generated;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.DirectoryReader;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * What a step works on: paths below the root, picked by the step's numbers among those that the
 * reference has.
 *
 * @param any something that is there
 * @param other likewise
 * @param file mostly a regular file
 * @param directory a directory that is there
 * @param fresh a name in such a directory, mostly a new one
 */
record Targets(String any, String other, String file, String directory, String fresh) {
  private static final String[] NAMES = {
    "a", "b", "c", "file", "big", "dir", "hard", "link", "long-name-".repeat(25) + "12345"
  };

  /** Nothing new is made deeper than this below a process's directory. */
  private static final int DEPTH_MAX = 4;

  private record Entry(String path, FileType type, int depth) {}

  static Targets of(ProcessStep step, String reference, String area) throws FsException {
    List<Entry> entries = new ArrayList<>();
    collect(reference, area, 1, entries);
    List<String> all = paths(entries);
    List<String> files = paths(entries.stream().filter(e -> e.type == FileType.REGULAR).toList());
    List<String> directories =
        new ArrayList<>(
            paths(
                entries.stream()
                    .filter(e -> e.type == FileType.DIRECTORY && e.depth < DEPTH_MAX)
                    .toList()));
    directories.add(area);
    all.add(area + "/none");
    if (files.isEmpty()) {
      files = all;
    }
    return new Targets(
        pick(all, step.a()),
        pick(all, step.b()),
        pick(step.a() % 8 == 0 ? all : files, step.a()),
        pick(directories, step.b()),
        pick(directories, step.b()) + "/" + NAMES[step.c() % NAMES.length]);
  }

  private static String pick(List<String> paths, int number) {
    return paths.get(number % paths.size());
  }

  private static List<String> paths(List<Entry> entries) {
    return new ArrayList<>(entries.stream().map(Entry::path).toList());
  }

  private static void collect(String root, String path, int depth, List<Entry> entries)
      throws FsException {
    TreeMap<String, FileType> names = new TreeMap<>();
    try (Descriptor directory = Posix.open(root + "/" + path, OpenFlags.O_DIRECTORY, 0)) {
      DirectoryReader reader = new DirectoryReader(directory.number());
      while (reader.next()) {
        names.put(reader.name().toString(), reader.type());
      }
    }
    for (var each : names.entrySet()) {
      String child = path + "/" + each.getKey();
      entries.add(new Entry(child, each.getValue(), depth));
      if (each.getValue() == FileType.DIRECTORY) {
        collect(root, child, depth + 1, entries);
      }
    }
  }
}
