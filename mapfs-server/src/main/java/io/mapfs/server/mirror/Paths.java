package io.mapfs.server.mirror;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.snapshot.PathText;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.server.overlay.Row;
import io.mapfs.server.overlay.RowKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Paths of what one head shows. Made by one scan of the overlay's names; the version's names are
 * asked for as they are needed. For one thread.
 */
final class Paths {
  /** Deeper than any real tree; a damaged one could lead in a circle. */
  private static final int MOST_DEPTH = 4096;

  private final HeadView view;
  private final Map<Long, Place> directories = new HashMap<>();
  private final Map<Long, List<Place>> files = new HashMap<>();
  private final Map<Long, String> known = new HashMap<>();

  /** A name in a directory. */
  record Place(long parentIno, Name name) {}

  /**
   * Learns where the overlay's own directories are, and which of its names these inodes have.
   *
   * @param inos the inodes whose names will be asked for; {@code null} for all
   */
  Paths(HeadView view, Set<Long> inos) throws IOException {
    this.view = view;
    known.put(NodeId.ROOT, "/");
    view.rows()
        .scanKind(
            view.overlayId(),
            RowKey.DENTRY,
            view.sequence(),
            (key, row) -> {
              if (row instanceof Row.Dentry own) {
                Place place = new Place(key.ino(), key.name());
                if (own.type() == FileType.DIRECTORY) {
                  directories.put(own.ino(), place);
                }
                if (inos == null || inos.contains(own.ino())) {
                  files.computeIfAbsent(own.ino(), key2 -> new ArrayList<>()).add(place);
                }
              }
              return true;
            });
  }

  /** A directory's path, or {@code null} if no path leads to it. */
  String directory(long ino) throws IOException {
    return directory(ino, 0);
  }

  private String directory(long ino, int depth) throws IOException {
    if (known.containsKey(ino)) {
      return known.get(ino);
    }
    Place place = directories.get(ino);
    if (place == null) {
      place = basePlace(ino);
    }
    String path = null;
    if (place != null && depth < MOST_DEPTH) {
      String parent = directory(place.parentIno(), depth + 1);
      path = parent == null ? null : join(parent, place.name());
    }
    known.put(ino, path);
    return path;
  }

  /** Where the overlay put a directory, or {@code null} where it did not. */
  Place ownPlace(long directoryIno) {
    return directories.get(directoryIno);
  }

  /** A name's path, or {@code null} if none leads to its directory. */
  String path(long parentIno, Name name) throws IOException {
    String parent = directory(parentIno);
    return parent == null ? null : join(parent, name);
  }

  /** Where an inode is: its names, those first that the overlay gave it; none if it has none. */
  List<Place> places(long ino) throws IOException {
    List<Place> found = new ArrayList<>();
    for (Place place : files.getOrDefault(ino, List.of())) {
      if (directory(place.parentIno()) != null) {
        found.add(place);
      }
    }
    Place base = basePlace(ino);
    if (base != null && directory(base.parentIno()) != null) {
      found.add(base);
    }
    return found;
  }

  /** The first of an inode's paths, or {@code null}. */
  String first(long ino) throws IOException {
    if (ino == NodeId.ROOT) {
      return "/";
    }
    List<Place> places = places(ino);
    return places.isEmpty() ? null : path(places.get(0).parentIno(), places.get(0).name());
  }

  /** The version's (first) name of an inode, if it shows. */
  private Place basePlace(long ino) throws IOException {
    RepositoryTree tree = view.tree();
    int slot = tree.slotOf(ino);
    if (slot == RepositoryTree.NONE || tree.name(slot) == null) {
      return null;
    }
    Place place = new Place(tree.parentIno(slot), tree.name(slot));
    return view.nameRow(place.parentIno(), place.name()) == null ? place : null;
  }

  private static String join(String parent, Name name) {
    return (parent.equals("/") ? "/" : parent + "/") + PathText.escape(name.toBytes());
  }
}
