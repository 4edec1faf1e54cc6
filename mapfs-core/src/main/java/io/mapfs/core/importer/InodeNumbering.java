package io.mapfs.core.importer;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.tree.RepositoryTree;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * Gives each inode of a new version its number.
 *
 * <ul>
 *   <li>A path that the previous version has, with the same type, keeps its number; below a
 *       directory that is new, or was no directory, nothing is kept.
 *   <li>Names that are linked together share a number. Where several files of the new version have
 *       names of one file of the previous version, the one with the most of these names keeps the
 *       number, and of equals the first by path; where a file has names of several previous files,
 *       it takes the number that it shares most names with.
 *   <li>All others get numbers that the master has never used, in path order.
 * </ul>
 */
final class InodeNumbering {
  private final NameTree names;
  private final ChildOrder order;
  private final RepositoryTree previous;
  private final long[] inos;
  private long nextIno;

  private InodeNumbering(NameTree names, ChildOrder order, RepositoryTree previous, long nextIno) {
    this.names = names;
    this.order = order;
    this.previous = previous;
    this.nextIno = nextIno;
    this.inos = new long[names.inodeCount()];
  }

  /**
   * @param previous the version before, or {@code null}
   * @param nextIno the first number that was never used
   */
  static InodeNumbering of(NameTree names, ChildOrder order, RepositoryTree previous, long nextIno)
      throws ImportException {
    InodeNumbering numbering = new InodeNumbering(names, order, previous, nextIno);
    numbering.inos[names.inode(NameTree.ROOT)] = NodeId.ROOT;
    if (previous != null) {
      numbering.keep();
    }
    numbering.giveNew();
    return numbering;
  }

  /** The number of an inode; 0 for one that has no name. */
  long ino(int inode) {
    return inos[inode];
  }

  /** The first number that is still unused. */
  long nextIno() {
    return nextIno;
  }

  /** One claim of a new inode on a previous one. */
  private record Claim(int inode, int slot, int place) {}

  private record ClaimKey(int inode, int slot) {}

  private void keep() {
    int[] slots = new int[names.nodeCount()];
    Arrays.fill(slots, RepositoryTree.NONE);
    slots[NameTree.ROOT] = previous.slotOf(NodeId.ROOT);
    Map<ClaimKey, Integer> counts = new HashMap<>();
    Map<ClaimKey, Claim> firsts = new HashMap<>();
    for (int place = 1; place < order.size(); place++) {
      int node = order.node(place);
      int inode = names.inode(node);
      int slot = previousSlot(slots[names.parent(node)], node, inode);
      if (slot == RepositoryTree.NONE) {
        continue;
      }
      if (names.inodeType(inode) == FileType.DIRECTORY) {
        slots[node] = slot;
        inos[inode] = previous.ino(slot);
      } else if (order.linkCount(inode) == 1 && previous.attributes(slot).nlink() == 1) {
        inos[inode] = previous.ino(slot);
      } else {
        ClaimKey key = new ClaimKey(inode, slot);
        counts.merge(key, 1, Integer::sum);
        firsts.putIfAbsent(key, new Claim(inode, slot, place));
      }
    }
    settle(counts, firsts);
  }

  private int previousSlot(int parentSlot, int node, int inode) {
    if (parentSlot == RepositoryTree.NONE) {
      return RepositoryTree.NONE;
    }
    int slot = previous.lookup(parentSlot, names.name(node));
    boolean same = slot != RepositoryTree.NONE && previous.type(slot) == names.inodeType(inode);
    return same ? slot : RepositoryTree.NONE;
  }

  private void settle(Map<ClaimKey, Integer> counts, Map<ClaimKey, Claim> firsts) {
    Map<Integer, Boolean> taken = new HashMap<>();
    firsts.entrySet().stream()
        .sorted(
            Comparator.comparing((Map.Entry<ClaimKey, Claim> e) -> -counts.get(e.getKey()))
                .thenComparing(e -> e.getValue().place()))
        .map(Map.Entry::getValue)
        .forEach(
            claim -> {
              if (inos[claim.inode()] == 0 && taken.putIfAbsent(claim.slot(), true) == null) {
                inos[claim.inode()] = previous.ino(claim.slot());
              }
            });
  }

  private void giveNew() throws ImportException {
    for (int place = 0; place < order.size(); place++) {
      int inode = names.inode(order.node(place));
      if (inos[inode] == 0) {
        if (nextIno >= NodeId.FIRST_OVERLAY_INO) {
          throw new ImportException("the master has used up its inode numbers; make a new master");
        }
        inos[inode] = nextIno++;
      }
    }
  }
}
