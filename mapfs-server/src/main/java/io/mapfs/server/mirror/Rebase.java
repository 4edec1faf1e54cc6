package io.mapfs.server.mirror;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.server.overlay.HeadPosition;
import io.mapfs.server.overlay.Row;
import io.mapfs.server.overlay.RowKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The plan to move an overlay to another version: the rows that must change so that all that the
 * overlay changed, added or deleted stays as it left it, and the paths that both sides changed.
 * Made by walking the overlay's rows; the trees are asked about these alone.
 *
 * <p>Most rows need nothing: they hold what is the overlay's own and inherit the rest by inode
 * number. What changes:
 *
 * <ul>
 *   <li>An inode that the new version does not have any more, but that the overlay has changed (or
 *       whose directory has entries of the overlay): what it inherited becomes its own, and it and
 *       the directories above it get names of the overlay.
 *   <li>A directory of the overlay's own where the new version has one, too: see {@link
 *       MergedDirectories}.
 *   <li>Link counts: a record counts names against its version; names that the overlay hides are
 *       counted against the new version's.
 * </ul>
 */
public final class Rebase {
  /** Deeper than any real tree. */
  private static final int MOST_DEPTH = 4096;

  private final HeadView view;
  private final RepositoryTree from;
  private final RepositoryTree to;
  private final NavigableMap<RowKey, Row> changed = new TreeMap<>();
  private final Map<Long, Integer> nlinkDeltas = new HashMap<>();
  private final Map<Long, Integer> subdirectories = new HashMap<>();
  private final Map<Long, InodeState> states = new LinkedHashMap<>();
  private final Set<Long> kept = new HashSet<>();
  private final List<Conflict> conflicts = new ArrayList<>();
  private Paths paths;
  private MergedDirectories merged;
  private long nextCookie;

  /**
   * A path that both sides changed.
   *
   * @param kind "both-changed", "removed-and-changed" (there and here), "changed-and-removed",
   *     "added-on-both-sides", "type-changed", "parent-removed"
   * @param repository what the versions do to it
   * @param overlay what the overlay did to it
   */
  public record Conflict(String path, String kind, String repository, String overlay) {}

  /** What is to be done. */
  record Plan(NavigableMap<RowKey, Row> changed, List<Conflict> conflicts, long nextCookie) {}

  private Rebase(HeadView view, RepositoryTree to, HeadPosition position) {
    this.view = view;
    this.from = view.tree();
    this.to = to;
    this.nextCookie = position.nextCookie();
  }

  static Plan plan(HeadView view, RepositoryTree to, HeadPosition position) throws IOException {
    return new Rebase(view, to, position).run();
  }

  private Plan run() throws IOException {
    view.rows()
        .scanKind(
            view.overlayId(),
            RowKey.INODE,
            view.sequence(),
            (key, row) -> {
              states.put(key.ino(), ((Row.Inode) row).state());
              return true;
            });
    paths = new Paths(view, states.keySet());
    merged = new MergedDirectories(this, view, to, paths);
    for (Map.Entry<Long, InodeState> entry : List.copyOf(states.entrySet())) {
      inode(entry.getKey(), entry.getValue());
    }
    view.rows()
        .scanKind(
            view.overlayId(),
            RowKey.DENTRY,
            view.sequence(),
            (key, row) -> {
              name(key.ino(), key.name(), row);
              return true;
            });
    merged.run();
    for (Map.Entry<Long, Integer> delta : nlinkDeltas.entrySet()) {
      addNlink(delta.getKey(), delta.getValue());
    }
    for (Map.Entry<Long, Integer> more : subdirectories.entrySet()) {
      addLinks(more.getKey(), more.getValue());
    }
    conflicts.sort(Comparator.comparing(Conflict::path).thenComparing(Conflict::kind));
    return new Plan(changed, List.copyOf(conflicts), nextCookie);
  }

  // ---- inodes ----

  private void inode(long ino, InodeState state) throws IOException {
    int old = from.slotOf(ino);
    int now = to.slotOf(ino);
    if (old == RepositoryTree.NONE) {
      if (now != RepositoryTree.NONE && state.type() == FileType.DIRECTORY) {
        // Kept when it vanished, it counts its two own links itself; the version does it again.
        countSubdirectories(ino, -2);
      }
      return;
    }
    String path = paths.first(ino);
    if (now == RepositoryTree.NONE) {
      boolean directory = state.type() == FileType.DIRECTORY;
      // A directory's record alone may only say that something in it came or went.
      if (path != null && (!directory || state.ownAttributes() || state.ownXattrs())) {
        boolean replaced = replacement(ino) != null;
        conflicts.add(
            new Conflict(
                path,
                replaced ? "type-changed" : "removed-and-changed",
                replaced ? "replaced" : "removed",
                "changed"));
        keep(ino, false, 0);
      }
      return;
    }
    Set<String> ours = owned(state);
    Set<String> theirs = differs(old, now);
    theirs.remove("times");
    if (path != null && !ours.isEmpty() && !theirs.isEmpty()) {
      conflicts.add(
          new Conflict(
              path,
              "both-changed",
              "changed " + String.join(", ", theirs),
              "changed " + String.join(", ", ours)));
    }
  }

  /** What the new version has in the place of an inode that it lost; {@code null} for nothing. */
  private HeadView.Entry replacement(long ino) {
    int slot = from.slotOf(ino);
    return HeadView.baseLookup(to, from.parentIno(slot), from.name(slot));
  }

  private static Set<String> owned(InodeState state) {
    Set<String> owned = new TreeSet<>();
    if (state.ownAttributes()) {
      owned.add("attributes");
    }
    if (state.ownData() && state.type() != FileType.DIRECTORY) {
      owned.add("data");
    }
    if (state.ownXattrs()) {
      owned.add("xattrs");
    }
    return owned;
  }

  private Set<String> differs(int old, int now) {
    Set<String> differs = new TreeSet<>();
    Attributes was = from.attributes(old);
    Attributes is = to.attributes(now);
    if (was.permissions() != is.permissions()
        || was.uid() != is.uid()
        || was.gid() != is.gid()
        || was.rdev() != is.rdev()
        || !Arrays.equals(from.symlinkTarget(old), to.symlinkTarget(now))) {
      differs.add("attributes");
    }
    if (was.type() == FileType.REGULAR && !sameBlocks(old, was, now, is)) {
      differs.add("data");
    }
    if (!HeadView.sameXattrs(from.xattrs(old), to.xattrs(now))) {
      differs.add("xattrs");
    }
    if (!was.mtime().equals(is.mtime())) {
      differs.add("times");
    }
    return differs;
  }

  private boolean sameBlocks(int old, Attributes was, int now, Attributes is) {
    if (was.sizeBytes() != is.sizeBytes()) {
      return false;
    }
    for (int block = 0; block < from.blockCount(old); block++) {
      if (!Objects.equals(from.block(old, block), to.block(now, block))) {
        return false;
      }
    }
    return true;
  }

  // ---- names ----

  private void name(long parentIno, Name name, Row row) throws IOException {
    HeadView.Entry was = HeadView.baseLookup(from, parentIno, name);
    HeadView.Entry is = HeadView.baseLookup(to, parentIno, name);
    countHidden(parentIno, was, 1);
    countHidden(parentIno, is, -1);
    boolean parentGone =
        to.slotOf(parentIno) == RepositoryTree.NONE
            && from.slotOf(parentIno) != RepositoryTree.NONE;
    String path = paths.path(parentIno, name);
    if (path == null) {
      return;
    }
    if (row instanceof Row.Dentry own) {
      if (parentGone) {
        keep(parentIno, true, 0);
      }
      boolean moved = isVanished(own) && !merged.isVersions(parentIno, name, own.ino());
      if (moved && !kept.contains(own.ino())) {
        conflict(path, "removed-and-changed", "removed", "renamed");
        keep(own.ino(), false, 0);
      }
      if (merged.take(path, own, was, is)) {
        return;
      }
      if (was == null && is != null) {
        conflicts.add(new Conflict(path, "added-on-both-sides", "added", "added"));
      } else if (was != null && is == null && !parentGone) {
        conflicts.add(new Conflict(path, "removed-and-changed", "removed", "replaced"));
      } else if (was != null && is != null && !sameFile(was, is)) {
        conflicts.add(
            new Conflict(
                path,
                was.type() == is.type() ? "both-changed" : "type-changed",
                was.ino() == is.ino() ? "changed" : "replaced",
                "replaced"));
      }
    } else if (was != null && is != null && !sameFile(was, is)) {
      conflicts.add(new Conflict(path, "changed-and-removed", "changed", "removed"));
    }
  }

  /** Whether a name leads to a directory that the new version has not any more. */
  private boolean isVanished(Row.Dentry own) {
    return own.type() == FileType.DIRECTORY
        && from.slotOf(own.ino()) != RepositoryTree.NONE
        && to.slotOf(own.ino()) == RepositoryTree.NONE;
  }

  /** Whether nothing but times differs between the versions. */
  boolean sameFile(HeadView.Entry was, HeadView.Entry is) {
    if (was.ino() != is.ino()) {
      return false;
    }
    Set<String> differs = differs(from.slotOf(was.ino()), to.slotOf(is.ino()));
    differs.remove("times");
    return differs.isEmpty();
  }

  /**
   * A name of a version that the overlay hides is missing in the inode's count; where it is a
   * directory, in its parent's. {@code sign} 1: it is the old version's, and not missing any more.
   */
  private void countHidden(long parentIno, HeadView.Entry hidden, int sign) {
    if (hidden != null) {
      long counted = hidden.type() == FileType.DIRECTORY ? parentIno : hidden.ino();
      nlinkDeltas.merge(counted, sign, Integer::sum);
    }
  }

  private void addNlink(long ino, int delta) {
    if (delta == 0 || kept.contains(ino) || to.slotOf(ino) == RepositoryTree.NONE) {
      return;
    }
    if (states.containsKey(ino) || to.attributes(to.slotOf(ino)).nlink() >= 2) {
      addLinks(ino, delta);
    } // else its only name is hidden: nobody sees its count
  }

  private void addLinks(long ino, int delta) {
    InodeState state = recorded(ino);
    put(ino, placed(state, state.nlinkDelta() + delta, state.parentIno()));
  }

  /** The inode's record, or the one that it would have. */
  private InodeState recorded(long ino) {
    InodeState state = states.get(ino);
    int slot = to.slotOf(ino);
    return state == null ? inheriting(to.type(slot), to.attributes(slot)) : state;
  }

  // ---- what merged directories ask for ----

  /** The overlay's records, as far as they are planned. */
  Map<Long, InodeState> states() {
    return states;
  }

  /** Whether the inode, which the new version lacks, becomes the overlay's own. */
  boolean isKept(long ino) {
    return kept.contains(ino);
  }

  void conflict(String path, String kind, String repository, String overlay) {
    conflicts.add(new Conflict(path, kind, repository, overlay));
  }

  void row(RowKey key, Row row) {
    changed.put(key, row);
  }

  /** Gives an entry of the new version a name of the overlay. */
  void name(long parentIno, Name name, HeadView.Entry entry) {
    row(
        RowKey.dentry(view.overlayId(), parentIno, name),
        new Row.Dentry(entry.ino(), entry.type(), nextCookie++));
  }

  /** Records the parent of a directory of the new version. */
  void place(long ino, long parentIno) {
    InodeState state = recorded(ino);
    put(ino, placed(state, state.nlinkDelta(), parentIno));
  }

  /** A directory has so many more links than its record and the new version say. */
  void countSubdirectories(long ino, int more) {
    subdirectories.merge(ino, more, Integer::sum);
  }

  // ---- what the new version has not any more ----

  /** Makes an inode of the old version the overlay's own, with a name, and all above it. */
  private void keep(long ino, boolean asParent, int depth) throws IOException {
    if (depth > MOST_DEPTH
        || from.slotOf(ino) == RepositoryTree.NONE
        || to.slotOf(ino) != RepositoryTree.NONE
        || !kept.add(ino)) {
      return;
    }
    int slot = from.slotOf(ino);
    Attributes base = from.attributes(slot);
    InodeState state = states.get(ino);
    if (state == null) {
      state = inheriting(base.type(), base);
    }
    if (!state.ownXattrs() && from.hasXattrs(slot)) {
      changed.put(RowKey.xattrs(view.overlayId(), ino), new Row.Xattrs(from.xattrs(slot)));
    }
    List<Paths.Place> places = paths.places(ino);
    put(ino, owning(state, base, slot, places));
    if (asParent) {
      conflicts.add(
          new Conflict(paths.directory(ino), "parent-removed", "removed", "keeps what is in it"));
    }
    for (Paths.Place place : places) {
      if (view.nameRow(place.parentIno(), place.name()) == null) {
        changed.put(
            RowKey.dentry(view.overlayId(), place.parentIno(), place.name()),
            new Row.Dentry(ino, base.type(), nextCookie++));
        if (base.type() == FileType.DIRECTORY) {
          countSubdirectories(place.parentIno(), 1);
        }
        // The new version may have another file of that name: it is hidden now.
        countHidden(
            place.parentIno(), HeadView.baseLookup(to, place.parentIno(), place.name()), -1);
      }
      keep(place.parentIno(), true, depth + 1);
    }
  }

  private InodeState owning(InodeState state, Attributes base, int slot, List<Paths.Place> places)
      throws IOException {
    boolean attributes = state.ownAttributes();
    boolean data = state.ownData();
    boolean inheritsContent = !data && base.type() == FileType.REGULAR;
    boolean directory = base.type() == FileType.DIRECTORY;
    return new InodeState(
        base.type(),
        true,
        true,
        true,
        attributes ? state.permissions() : base.permissions(),
        attributes ? state.uid() : base.uid(),
        attributes ? state.gid() : base.gid(),
        directory ? 2 + ownSubdirectories(base.ino()) : places.size(),
        attributes ? state.rdev() : base.rdev(),
        data ? state.sizeBytes() : base.sizeBytes(),
        state.atime(),
        data ? state.mtime() : base.mtime(),
        state.ctime(),
        attributes ? state.btime() : base.btime(),
        from.symlinkTarget(slot),
        inheritsContent ? from.version() : state.baseVersion(),
        inheritsContent ? base.sizeBytes() : state.baseLimitBytes(),
        directory && !places.isEmpty() ? places.get(0).parentIno() : 0);
  }

  /** Subdirectories that a directory will have once only the overlay knows it. */
  private int ownSubdirectories(long ino) throws IOException {
    int[] count = new int[1];
    view.rows()
        .scanInode(
            view.overlayId(),
            RowKey.DENTRY,
            ino,
            view.sequence(),
            (key, row) -> {
              if (row instanceof Row.Dentry own && own.type() == FileType.DIRECTORY) {
                count[0]++;
              }
              return true;
            });
    return count[0];
  }

  /** A record that has nothing of its own. */
  private static InodeState inheriting(FileType type, Attributes base) {
    return new InodeState(
        type,
        false,
        false,
        false,
        0,
        0,
        0,
        0,
        0,
        0,
        base.atime(),
        FileTime.EPOCH,
        base.ctime(),
        FileTime.EPOCH,
        null,
        0,
        0,
        0);
  }

  private static InodeState placed(InodeState s, int nlinkDelta, long parentIno) {
    return new InodeState(
        s.type(),
        s.ownAttributes(),
        s.ownData(),
        s.ownXattrs(),
        s.permissions(),
        s.uid(),
        s.gid(),
        nlinkDelta,
        s.rdev(),
        s.sizeBytes(),
        s.atime(),
        s.mtime(),
        s.ctime(),
        s.btime(),
        s.symlinkTarget(),
        s.baseVersion(),
        s.baseLimitBytes(),
        parentIno);
  }

  private void put(long ino, InodeState state) {
    states.put(ino, state);
    changed.put(RowKey.inode(view.overlayId(), ino), new Row.Inode(state));
  }
}
