package io.mapfs.server.mirror;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.OverlayRows;
import io.mapfs.server.overlay.Row;
import io.mapfs.server.overlay.RowKey;
import io.mapfs.server.store.Repository;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An overlay at one sequence over one version: the tree that a node sees. For one thread; the
 * sequence stays readable meanwhile.
 */
final class HeadView {
  private final OverlayRows rows;
  private final long overlayId;
  private final long sequence;
  private final Repository repository;
  private final String master;
  private final RepositoryTree tree;

  HeadView(Overlay overlay, Repository repository, String master, int version, long sequence)
      throws IOException {
    this.rows = overlay.rows();
    this.overlayId = overlay.overlayId();
    this.sequence = sequence;
    this.repository = repository;
    this.master = master;
    this.tree = repository.tree(master, version);
  }

  OverlayRows rows() {
    return rows;
  }

  long overlayId() {
    return overlayId;
  }

  long sequence() {
    return sequence;
  }

  RepositoryTree tree() {
    return tree;
  }

  /** What a name points at. */
  record Entry(long ino, FileType type) {}

  /** The overlay's own word on a name, or {@code null} where the version's entry shows. */
  Row nameRow(long parentIno, Name name) throws IOException {
    return rows.get(RowKey.dentry(overlayId, parentIno, name), sequence);
  }

  /** What stands under the name, or {@code null}. */
  Entry lookup(long parentIno, Name name) throws IOException {
    Row row = nameRow(parentIno, name);
    if (row instanceof Row.Dentry own) {
      return new Entry(own.ino(), own.type());
    }
    return row == null ? baseLookup(tree, parentIno, name) : null;
  }

  /** The version's entry of that name, or {@code null}. */
  static Entry baseLookup(RepositoryTree tree, long parentIno, Name name) {
    int parent = tree.slotOf(parentIno);
    if (parent == RepositoryTree.NONE || tree.type(parent) != FileType.DIRECTORY) {
      return null;
    }
    int slot = tree.lookup(parent, name);
    return slot == RepositoryTree.NONE ? null : new Entry(tree.ino(slot), tree.type(slot));
  }

  /** A directory's children. */
  SortedMap<Name, Entry> children(long ino) throws IOException {
    SortedMap<Name, Entry> found = new TreeMap<>();
    int slot = tree.slotOf(ino);
    if (slot != RepositoryTree.NONE && tree.type(slot) == FileType.DIRECTORY) {
      for (int i = 0; i < tree.childCount(slot); i++) {
        int child = tree.childSlot(slot, i);
        found.put(tree.childName(slot, i), new Entry(tree.ino(child), tree.type(child)));
      }
    }
    rows.scanInode(
        overlayId,
        RowKey.DENTRY,
        ino,
        sequence,
        (key, row) -> {
          if (row instanceof Row.Dentry own) {
            found.put(key.name(), new Entry(own.ino(), own.type()));
          } else {
            found.remove(key.name());
          }
          return true;
        });
    return found;
  }

  /** The overlay's own record of an inode, or {@code null}. */
  InodeState state(long ino) throws IOException {
    Row row = rows.get(RowKey.inode(overlayId, ino), sequence);
    return row instanceof Row.Inode inode ? inode.state() : null;
  }

  /** Whether there is such an inode at all. */
  boolean exists(long ino) throws IOException {
    return tree.slotOf(ino) != RepositoryTree.NONE || state(ino) != null;
  }

  /** What stat(2) would show, as far as comparing needs it. */
  record Effective(
      FileType type,
      int permissions,
      int uid,
      int gid,
      int rdev,
      long sizeBytes,
      FileTime mtime,
      byte[] symlinkTarget) {}

  Effective effective(long ino) throws IOException {
    InodeState state = state(ino);
    int slot = tree.slotOf(ino);
    if (slot == RepositoryTree.NONE) {
      if (state == null) {
        throw new IOException("inode " + ino + " is in no version and has no record");
      }
      return new Effective(
          state.type(),
          state.permissions(),
          state.uid(),
          state.gid(),
          state.rdev(),
          state.sizeBytes(),
          state.mtime(),
          state.symlinkTarget());
    }
    Attributes base = tree.attributes(slot);
    boolean attributes = state != null && state.ownAttributes();
    boolean data = state != null && state.ownData();
    return new Effective(
        base.type(),
        attributes ? state.permissions() : base.permissions(),
        attributes ? state.uid() : base.uid(),
        attributes ? state.gid() : base.gid(),
        attributes ? state.rdev() : base.rdev(),
        data ? state.sizeBytes() : base.sizeBytes(),
        data ? state.mtime() : base.mtime(),
        state != null && state.symlinkTarget() != null
            ? state.symlinkTarget()
            : tree.symlinkTarget(slot));
  }

  /** All xattrs. */
  SortedMap<Name, byte[]> xattrs(long ino) throws IOException {
    InodeState state = state(ino);
    if (state != null && state.ownXattrs()) {
      Row row = rows.get(RowKey.xattrs(overlayId, ino), sequence);
      return row instanceof Row.Xattrs own ? own.xattrs() : Collections.emptySortedMap();
    }
    int slot = tree.slotOf(ino);
    return slot == RepositoryTree.NONE || !tree.hasXattrs(slot)
        ? Collections.emptySortedMap()
        : tree.xattrs(slot);
  }

  static boolean sameXattrs(SortedMap<Name, byte[]> one, SortedMap<Name, byte[]> other) {
    if (!one.keySet().equals(other.keySet())) {
      return false;
    }
    for (Map.Entry<Name, byte[]> xattr : one.entrySet()) {
      if (!Arrays.equals(xattr.getValue(), other.get(xattr.getKey()))) {
        return false;
      }
    }
    return true;
  }

  // ---- content ----

  /** Where a regular file's unwritten content comes from. */
  private record Base(RepositoryTree tree, int slot, long limitBytes) {}

  private Base base(long ino, InodeState state) throws IOException {
    RepositoryTree source = tree;
    long limitBytes = Long.MAX_VALUE;
    if (state != null && state.ownData()) {
      if (state.baseVersion() == 0) {
        return null;
      }
      source = repository.tree(master, state.baseVersion());
      limitBytes = state.baseLimitBytes();
    }
    int slot = source.slotOf(ino);
    return slot == RepositoryTree.NONE ? null : new Base(source, slot, limitBytes);
  }

  /** A block's visible content: the first {@code bytes} of a block; {@code null}: zeros. */
  private record Visible(BlockId id, long bytes) {}

  private Visible visible(long ino, Base base, long blockIndex, long sizeBytes) throws IOException {
    long start = blockIndex * BlockId.BLOCK_BYTES;
    long inFile = Math.min(BlockId.BLOCK_BYTES, sizeBytes - start);
    Row row = rows.get(RowKey.block(overlayId, ino, blockIndex), sequence);
    if (row instanceof Row.Block own) {
      return new Visible(own.id(), Math.min(own.rawBytes(), inFile));
    }
    if (row != null || base == null || blockIndex >= base.tree().blockCount(base.slot())) {
      return null;
    }
    BlockId id = base.tree().block(base.slot(), (int) blockIndex);
    long raw =
        Math.min(BlockId.BLOCK_BYTES, base.tree().attributes(base.slot()).sizeBytes() - start);
    long bytes = Math.min(Math.min(raw, base.limitBytes() - start), inFile);
    return id == null || bytes <= 0 ? null : new Visible(id, bytes);
  }

  /**
   * Whether two regular files of the same size have the same content, as far as block ids tell.
   * Where both inherit from the same blocks, only what the overlay has of its own is compared.
   */
  static boolean sameContent(HeadView one, long ino, HeadView other, long otherIno, long sizeBytes)
      throws IOException {
    Base base = one.base(ino, one.state(ino));
    Base otherBase = other.base(otherIno, other.state(otherIno));
    if (sameBase(base, otherBase)) {
      Set<Long> own = new HashSet<>();
      one.ownBlocks(ino, own);
      other.ownBlocks(otherIno, own);
      for (long block : own) {
        if (!same(
            one.visible(ino, base, block, sizeBytes),
            other.visible(otherIno, otherBase, block, sizeBytes))) {
          return false;
        }
      }
      return true;
    }
    for (long block = 0; block * BlockId.BLOCK_BYTES < sizeBytes; block++) {
      if (!same(
          one.visible(ino, base, block, sizeBytes),
          other.visible(otherIno, otherBase, block, sizeBytes))) {
        return false;
      }
    }
    return true;
  }

  private static boolean same(Visible one, Visible other) {
    return one == null ? other == null : one.equals(other);
  }

  private static boolean sameBase(Base one, Base other) {
    if (one == null || other == null) {
      return one == null && other == null;
    }
    long size = one.tree().attributes(one.slot()).sizeBytes();
    return one.tree().version() == other.tree().version()
        && one.slot() == other.slot()
        && Math.min(one.limitBytes(), size) == Math.min(other.limitBytes(), size);
  }

  private void ownBlocks(long ino, Set<Long> found) throws IOException {
    rows.scanInode(
        overlayId,
        RowKey.BLOCK,
        ino,
        sequence,
        (key, row) -> {
          found.add(key.blockIndex());
          return true;
        });
  }
}
