package io.mapfs.server.mirror;

import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.snapshot.PathText;
import io.mapfs.server.overlay.Tails;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a late tail would have changed, path by path. A path is what the tail itself calls an inode,
 * else what the head does now: the head has moved on since, so it is for people to judge.
 */
final class TailChanges {
  private static final int MOST_DEPTH = 4096;

  private final HeadView head;
  private final Map<Long, Paths.Place> ownPlaces = new HashMap<>();
  private final Set<Paths.Place> added = new HashSet<>();
  private final Set<Paths.Place> removed = new HashSet<>();
  private final Map<Long, TreeSet<String>> changed = new HashMap<>();
  private Paths paths;

  private TailChanges(HeadView head) {
    this.head = head;
  }

  /** Walks the records that {@code records} gives. */
  static Differences.Result of(Records records, HeadView head) throws IOException {
    TailChanges changes = new TailChanges(head);
    records.forEach(
        record -> {
          record.changes().forEach(changes::take);
          return true;
        });
    return changes.result();
  }

  /** A tail's records. */
  @FunctionalInterface
  interface Records {
    void forEach(Tails.RecordVisitor visitor) throws IOException;
  }

  private void take(Change change) {
    if (change instanceof Change.PutDentry put) {
      Paths.Place place = new Paths.Place(put.parentIno(), put.name());
      ownPlaces.put(put.ino(), place);
      removed.remove(place);
      added.add(place);
    } else if (change instanceof Change.DropDentry drop) {
      gone(drop.parentIno(), drop.name());
    } else if (change instanceof Change.PutWhiteout put) {
      gone(put.parentIno(), put.name());
    } else if (change instanceof Change.PutInode put) {
      changed(put.ino(), "attributes");
    } else if (change instanceof Change.PutXattrs put) {
      changed(put.ino(), "xattrs");
    } else if (change instanceof Change.DropInode drop) {
      changed.remove(drop.ino());
    } else if (change instanceof Change.WritePages write) {
      changed(write.ino(), "data");
    } else if (change instanceof Change.TruncatePages truncate) {
      changed(truncate.ino(), "data");
    } else if (change instanceof Change.ZeroPages zero) {
      changed(zero.ino(), "data");
    } else if (change instanceof Change.PutBlock put) {
      changed(put.ino(), "data");
    }
  }

  private void gone(long parentIno, Name name) {
    Paths.Place place = new Paths.Place(parentIno, name);
    added.remove(place);
    removed.add(place);
  }

  private void changed(long ino, String what) {
    changed.computeIfAbsent(ino, key -> new TreeSet<>()).add(what);
  }

  private Differences.Result result() throws IOException {
    paths = new Paths(head, changed.keySet());
    Map<String, Differences.Difference> found = new TreeMap<>();
    for (Map.Entry<Long, TreeSet<String>> each : changed.entrySet()) {
      String path = path(each.getKey(), 0);
      found.put(
          path, new Differences.Difference(path, "changed", List.copyOf(each.getValue()), null));
    }
    for (Paths.Place place : removed) {
      String path = path(place, 0);
      found.put(path, new Differences.Difference(path, "removed", List.of(), null));
    }
    for (Paths.Place place : added) {
      String path = path(place, 0);
      found.put(path, new Differences.Difference(path, "added", List.of(), null));
    }
    List<Differences.Difference> all = new ArrayList<>(found.values());
    boolean truncated = all.size() > Differences.CHANGES_MAX;
    return new Differences.Result(
        truncated ? all.subList(0, Differences.CHANGES_MAX) : all, truncated);
  }

  /** The inode's path; where none leads to it, its number. */
  private String path(long ino, int depth) throws IOException {
    if (ino == NodeId.ROOT) {
      return "/";
    }
    Paths.Place own = ownPlaces.get(ino);
    if (own != null && depth < MOST_DEPTH) {
      return path(own, depth + 1);
    }
    String path = paths.directory(ino);
    path = path == null ? paths.first(ino) : path;
    return path == null ? "inode " + ino : path;
  }

  private String path(Paths.Place place, int depth) throws IOException {
    String parent = path(place.parentIno(), depth);
    return (parent.equals("/") ? "/" : parent + "/") + PathText.escape(place.name().toBytes());
  }
}
