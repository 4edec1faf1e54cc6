package io.mapfs.server.mirror;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.server.overlay.RowKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What differs, path by path, between two heads of one overlay. Found from the rows that differ;
 * the trees are asked only about these, and about directories that went or came as a whole.
 *
 * <p>What the two versions below differ in by themselves is not looked at.
 */
public final class Differences {
  /** Most differences that are listed. */
  static final int CHANGES_MAX = 100_000;

  /**
   * One difference.
   *
   * @param change "added", "removed", "changed" or "renamed"
   * @param what of "data", "mode", "owner", "times", "xattrs", "type": for changed and renamed
   * @param oldPath of what was renamed; else {@code null}
   */
  public record Difference(String path, String change, List<String> what, String oldPath) {}

  /** All of them in the order of their paths; {@code truncated} if there are more. */
  public record Result(List<Difference> differences, boolean truncated) {}

  private final HeadView before;
  private final HeadView after;
  private final Set<Paths.Place> names = new LinkedHashSet<>();
  private final Set<Long> inodes = new LinkedHashSet<>();
  private Paths pathsBefore;
  private Paths pathsAfter;

  /** Names that were there before and now stand for something else or nothing, and vice versa. */
  private final Map<Paths.Place, HeadView.Entry> gone = new LinkedHashMap<>();

  private final Map<Paths.Place, HeadView.Entry> come = new LinkedHashMap<>();
  private final List<Difference> found = new ArrayList<>();
  private final Set<Long> reported = new HashSet<>();
  private boolean truncated;

  private Differences(HeadView before, HeadView after) {
    this.before = before;
    this.after = after;
  }

  static Result between(HeadView before, HeadView after) throws IOException {
    return new Differences(before, after).run();
  }

  private Result run() throws IOException {
    after
        .rows()
        .difference(
            after.overlayId(),
            before.sequence(),
            after.sequence(),
            (key, rowBefore, rowAfter) -> {
              if (key.kind() == RowKey.DENTRY) {
                names.add(new Paths.Place(key.ino(), key.name()));
              } else {
                inodes.add(key.ino());
              }
            });
    pathsBefore = new Paths(before, inodes);
    pathsAfter = new Paths(after, inodes);
    for (Paths.Place name : names) {
      compareName(name);
    }
    expand(new ArrayList<>(gone.entrySet()), before, pathsAfter, gone);
    expand(new ArrayList<>(come.entrySet()), after, pathsBefore, come);
    reportNames();
    for (long ino : inodes) {
      reportInode(ino);
    }
    found.sort(Comparator.comparing(Difference::path).thenComparing(Difference::change));
    if (found.size() > CHANGES_MAX) {
      truncated = true;
      return new Result(List.copyOf(found.subList(0, CHANGES_MAX)), true);
    }
    return new Result(found, truncated);
  }

  private void compareName(Paths.Place name) throws IOException {
    HeadView.Entry was =
        pathsBefore.directory(name.parentIno()) == null
            ? null
            : before.lookup(name.parentIno(), name.name());
    HeadView.Entry is =
        pathsAfter.directory(name.parentIno()) == null
            ? null
            : after.lookup(name.parentIno(), name.name());
    if (was != null && (is == null || is.ino() != was.ino())) {
      gone.put(name, was);
    }
    if (is != null && (was == null || was.ino() != is.ino())) {
      come.put(name, is);
    }
  }

  /** A directory that went (or came) takes what is in it along. */
  private void expand(
      List<Map.Entry<Paths.Place, HeadView.Entry>> roots,
      HeadView view,
      Paths otherPaths,
      Map<Paths.Place, HeadView.Entry> into)
      throws IOException {
    List<HeadView.Entry> pending = new ArrayList<>();
    for (Map.Entry<Paths.Place, HeadView.Entry> root : roots) {
      pending.add(root.getValue());
    }
    Set<Long> expanded = new HashSet<>();
    while (!pending.isEmpty()) {
      HeadView.Entry entry = pending.remove(pending.size() - 1);
      boolean whole =
          entry.type() == FileType.DIRECTORY
              && expanded.add(entry.ino())
              && otherPaths.directory(entry.ino()) == null;
      if (!whole) {
        continue;
      }
      for (Map.Entry<Name, HeadView.Entry> child : view.children(entry.ino()).entrySet()) {
        if (into.size() > 2 * CHANGES_MAX) {
          truncated = true;
          return;
        }
        into.putIfAbsent(new Paths.Place(entry.ino(), child.getKey()), child.getValue());
        pending.add(child.getValue());
      }
    }
  }

  private void reportNames() throws IOException {
    Map<Long, List<Paths.Place>> goneByIno = byIno(gone);
    Set<Paths.Place> settled = new HashSet<>();
    Set<Long> comeInos = new HashSet<>();
    come.values().forEach(entry -> comeInos.add(entry.ino()));
    for (Map.Entry<Paths.Place, HeadView.Entry> entry : come.entrySet()) {
      Paths.Place place = entry.getKey();
      long ino = entry.getValue().ino();
      List<Paths.Place> from = goneByIno.get(ino);
      String path = pathsAfter.path(place.parentIno(), place.name());
      HeadView.Entry replaced = gone.get(place);
      if (from != null && !from.isEmpty()) {
        Paths.Place old = from.remove(0);
        settled.add(old);
        String oldPath = pathsBefore.path(old.parentIno(), old.name());
        found.add(new Difference(path, "renamed", compare(ino, ino), oldPath));
        reported.add(ino);
        settled.add(place);
      } else if (replaced != null && !comeInos.contains(replaced.ino())) {
        List<String> what = compare(replaced.ino(), ino);
        if (!what.isEmpty()) {
          found.add(new Difference(path, "changed", what, null));
        }
        reported.add(ino);
        settled.add(place);
      } else {
        found.add(new Difference(path, "added", List.of(), null));
        if (!before.exists(ino)) {
          reported.add(ino);
        }
      }
    }
    for (Map.Entry<Paths.Place, HeadView.Entry> entry : gone.entrySet()) {
      Paths.Place place = entry.getKey();
      if (!settled.contains(place)) {
        found.add(
            new Difference(
                pathsBefore.path(place.parentIno(), place.name()), "removed", List.of(), null));
      }
    }
  }

  private static Map<Long, List<Paths.Place>> byIno(Map<Paths.Place, HeadView.Entry> places) {
    Map<Long, List<Paths.Place>> byIno = new TreeMap<>();
    places.forEach(
        (place, entry) -> byIno.computeIfAbsent(entry.ino(), key -> new ArrayList<>()).add(place));
    return byIno;
  }

  private void reportInode(long ino) throws IOException {
    if (reported.contains(ino) || !before.exists(ino) || !after.exists(ino)) {
      return;
    }
    List<Paths.Place> places = pathsAfter.places(ino);
    if (ino != NodeId.ROOT && (places.isEmpty() || pathsBefore.places(ino).isEmpty())) {
      return;
    }
    List<String> what = compare(ino, ino);
    if (what.isEmpty()) {
      return;
    }
    if (ino == NodeId.ROOT) {
      found.add(new Difference("/", "changed", what, null));
    }
    for (Paths.Place place : places) {
      found.add(
          new Difference(pathsAfter.path(place.parentIno(), place.name()), "changed", what, null));
    }
  }

  /** What differs. A directory's mtime follows from its entries, which are listed themselves. */
  private List<String> compare(long inoBefore, long inoAfter) throws IOException {
    HeadView.Effective was = before.effective(inoBefore);
    HeadView.Effective is = after.effective(inoAfter);
    List<String> what = new ArrayList<>();
    if (was.type() != is.type()) {
      what.add("type");
    } else if (differsInData(inoBefore, was, inoAfter, is)) {
      what.add("data");
    }
    if (was.permissions() != is.permissions()) {
      what.add("mode");
    }
    if (was.uid() != is.uid() || was.gid() != is.gid()) {
      what.add("owner");
    }
    if (is.type() != FileType.DIRECTORY && !was.mtime().equals(is.mtime())) {
      what.add("times");
    }
    if (!HeadView.sameXattrs(before.xattrs(inoBefore), after.xattrs(inoAfter))) {
      what.add("xattrs");
    }
    return what;
  }

  private boolean differsInData(
      long inoBefore, HeadView.Effective was, long inoAfter, HeadView.Effective is)
      throws IOException {
    return switch (is.type()) {
      case REGULAR ->
          was.sizeBytes() != is.sizeBytes()
              || !HeadView.sameContent(before, inoBefore, after, inoAfter, is.sizeBytes());
      case SYMLINK -> !Arrays.equals(was.symlinkTarget(), is.symlinkTarget());
      case BLOCK_DEVICE, CHARACTER_DEVICE -> was.rdev() != is.rdev();
      case DIRECTORY, FIFO, SOCKET -> false;
    };
  }
}
