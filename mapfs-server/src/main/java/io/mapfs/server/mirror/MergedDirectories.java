package io.mapfs.server.mirror;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.server.overlay.Row;
import io.mapfs.server.overlay.RowKey;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Directories that the overlay and the version both have, each its own: the overlay's stays, inode
 * number and all, and shows the version's entries beside its own. Part of {@link Rebase}.
 *
 * <p>The version's entries get names of the overlay in the overlay's directory, so that nothing but
 * a rebase knows of the merge. It is remembered by a record of the version's directory, which no
 * name leads to: its parent is the overlay's directory. By it the next rebase knows that a name of
 * the version that is missing was removed by the node, that one that stands for the same inode is
 * the version's, and goes or changes with it, and that all other names are the node's.
 */
final class MergedDirectories {
  private final Rebase rebase;
  private final HeadView view;
  private final RepositoryTree from;
  private final RepositoryTree to;
  private final Paths paths;

  /** Overlay's directory → the old version's that it is merged with. */
  private final Map<Long, Long> before = new HashMap<>();

  private final Deque<Pair> pending = new ArrayDeque<>();

  /**
   * A directory of the overlay, and those of the versions; 0 for none.
   *
   * @param was of the version that the overlay comes from, if it is merged with it
   * @param is of the version that it goes to
   */
  private record Pair(long own, long was, long is) {}

  MergedDirectories(Rebase rebase, HeadView view, RepositoryTree to, Paths paths) {
    this.rebase = rebase;
    this.view = view;
    this.from = view.tree();
    this.to = to;
    this.paths = paths;
    rebase.states().forEach(this::learn);
    for (Map.Entry<Long, Long> merged : before.entrySet()) {
      long was = merged.getValue();
      pending.add(new Pair(merged.getKey(), was, isDirectory(to, was) ? was : 0));
    }
  }

  private void learn(long ino, InodeState state) {
    if (isDirectory(from, ino)
        && NodeId.isOverlayIno(state.parentIno())
        && paths.ownPlace(ino) == null
        && from.attributes(from.slotOf(ino)).nlink() + state.nlinkDelta() > 0) {
      if (paths.ownPlace(state.parentIno()) != null) {
        before.put(state.parentIno(), ino);
      } else {
        // The node has removed its directory.
        forget(ino);
      }
    }
  }

  private static boolean isDirectory(RepositoryTree tree, long ino) {
    int slot = tree.slotOf(ino);
    return slot != RepositoryTree.NONE && tree.type(slot) == FileType.DIRECTORY;
  }

  /**
   * Takes note of a name of the overlay for which the versions have entries.
   *
   * @param was the old version's entry, or {@code null}
   * @param is the new version's, or {@code null}
   * @return whether they are merged, or were and the version's is gone: no conflict of names
   */
  boolean take(String path, Row.Dentry own, HeadView.Entry was, HeadView.Entry is)
      throws IOException {
    if (own.type() != FileType.DIRECTORY || !NodeId.isOverlayIno(own.ino())) {
      return false;
    }
    Long merged = before.get(own.ino());
    boolean wasMerged = was != null && merged != null && merged == was.ino();
    if (!wasMerged && (was != null || merged != null)) {
      // Removed and made again, so it is opaque; or moved here with what it is merged with.
      return false;
    }
    if (is == null || is.type() != FileType.DIRECTORY) {
      return wasMerged && is == null;
    }
    if (!wasMerged || was.ino() != is.ino()) {
      pending.add(
          new Pair(own.ino(), wasMerged && !isDirectory(to, merged) ? merged : 0, is.ino()));
      pending.removeIf(pair -> pair.own() == own.ino() && pair.is() == 0);
    }
    if ((was == null || !rebase.sameFile(was, is)) && differs(own.ino(), is.ino())) {
      rebase.conflict(path, "added-on-both-sides", "added, other attributes", "added");
    }
    return true;
  }

  /** Whether the directories themselves differ, times aside. */
  private boolean differs(long own, long is) throws IOException {
    HeadView.Effective ours = view.effective(own);
    int slot = to.slotOf(is);
    Attributes theirs = to.attributes(slot);
    return ours.permissions() != theirs.permissions()
        || ours.uid() != theirs.uid()
        || ours.gid() != theirs.gid()
        || !HeadView.sameXattrs(view.xattrs(own), to.xattrs(slot));
  }

  /** Merges all, after everything else is planned. */
  void run() throws IOException {
    for (Pair pair = pending.poll(); pair != null; pair = pending.poll()) {
      if (pair.was() != pair.is()) {
        if (pair.was() != 0) {
          forget(pair.was());
        }
        if (pair.is() != 0) {
          rebase.place(pair.is(), pair.own());
        }
      }
      for (Name name : names(pair)) {
        merge(pair, name);
      }
    }
  }

  private SortedSet<Name> names(Pair pair) {
    SortedSet<Name> names = new TreeSet<>();
    addNames(from, pair.was(), names);
    addNames(to, pair.is(), names);
    return names;
  }

  private static void addNames(RepositoryTree tree, long ino, SortedSet<Name> names) {
    if (ino != 0) {
      int slot = tree.slotOf(ino);
      for (int i = 0; i < tree.childCount(slot); i++) {
        names.add(tree.childName(slot, i));
      }
    }
  }

  /** The version's entry, but for what the overlay once said of it in the version's directory. */
  private HeadView.Entry entry(RepositoryTree tree, long directory, Name name) throws IOException {
    return directory == 0 || view.nameRow(directory, name) != null
        ? null
        : HeadView.baseLookup(tree, directory, name);
  }

  /** Whether a name of the overlay stands there for the version's, by a merge. */
  boolean isVersions(long directory, Name name, long ino) throws IOException {
    HeadView.Entry was = entry(from, before.getOrDefault(directory, 0L), name);
    return was != null && was.ino() == ino;
  }

  private void merge(Pair pair, Name name) throws IOException {
    HeadView.Entry was = entry(from, pair.was(), name);
    HeadView.Entry is = entry(to, pair.is(), name);
    Row row = view.nameRow(pair.own(), name);
    if (row == null) {
      if (was != null || (is != null && hasPlace(is.ino()))) {
        // The node removed it, or has it elsewhere: it stays away, also when it goes and comes.
        rebase.row(RowKey.dentry(view.overlayId(), pair.own(), name), Row.Whiteout.INSTANCE);
        removed(pair, name, was, is);
      } else if (is != null) {
        show(pair, name, is);
      }
    } else if (row instanceof Row.Dentry own) {
      if (was != null && own.ino() == was.ino()) {
        follow(pair, name, was, is);
      } else if (is != null) {
        meet(pair, name, own, was, is);
      }
    } else {
      removed(pair, name, was, is);
    }
  }

  /** Whether the overlay has named the inode already. */
  private boolean hasPlace(long ino) throws IOException {
    return rebase.states().containsKey(ino) && !paths.places(ino).isEmpty();
  }

  private void show(Pair pair, Name name, HeadView.Entry is) throws IOException {
    rebase.name(pair.own(), name, is);
    if (is.type() == FileType.DIRECTORY) {
      rebase.place(is.ino(), pair.own());
      rebase.countSubdirectories(pair.own(), 1);
    }
  }

  /** A name that the version gave: it goes with the version, unless the node changed the file. */
  private void follow(Pair pair, Name name, HeadView.Entry was, HeadView.Entry is)
      throws IOException {
    if ((is != null && is.ino() == was.ino()) || rebase.isKept(was.ino())) {
      return;
    }
    if (was.type() == FileType.DIRECTORY) {
      forget(was.ino());
      rebase.countSubdirectories(pair.own(), -1);
    }
    if (is == null) {
      rebase.row(RowKey.dentry(view.overlayId(), pair.own(), name), Row.Gone.INSTANCE);
    } else {
      show(pair, name, is);
    }
  }

  /** A name of the node's own where the version has one, too. */
  private void meet(Pair pair, Name name, Row.Dentry own, HeadView.Entry was, HeadView.Entry is)
      throws IOException {
    String path = paths.path(pair.own(), name);
    if (path == null || own.ino() == is.ino() || take(path, own, was, is)) {
      return;
    }
    if (was == null) {
      rebase.conflict(path, "added-on-both-sides", "added", "added");
    } else if (!rebase.sameFile(was, is)) {
      rebase.conflict(path, "both-changed", "changed", "replaced");
    }
  }

  private void removed(Pair pair, Name name, HeadView.Entry was, HeadView.Entry is)
      throws IOException {
    String path = paths.path(pair.own(), name);
    if (path != null && was != null && is != null && !rebase.sameFile(was, is)) {
      rebase.conflict(path, "changed-and-removed", "changed", "removed");
    }
  }

  /** The record that said where a version's directory is goes, if it says nothing else. */
  private void forget(long ino) {
    InodeState state = rebase.states().get(ino);
    if (state != null
        && !rebase.isKept(ino)
        && !state.ownAttributes()
        && !state.ownData()
        && !state.ownXattrs()) {
      rebase.row(RowKey.inode(view.overlayId(), ino), Row.Gone.INSTANCE);
    }
  }
}
