package io.mapfs.server.control;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.wire.Message;
import io.mapfs.server.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** A head as a node would see it: its rows, read through the service. */
final class HeadReading {
  final Map<Long, InodeState> inodes = new TreeMap<>();
  final Map<Long, SortedMap<Name, byte[]>> xattrs = new TreeMap<>();
  final Map<Long, Map<Long, BlockId>> blocks = new TreeMap<>();
  final Map<String, Change> names = new TreeMap<>();
  final long sequence;
  private final ApplianceRig rig;
  private final Session session;
  private final String node;

  HeadReading(ApplianceRig rig, Session session, String node) throws Exception {
    this.rig = rig;
    this.session = session;
    this.node = node;
    byte[] cursor = new byte[0];
    long at = -1;
    do {
      Message.HeadRows rows = rig.appliance.getHead(session, new Message.GetHead(node, cursor));
      rows.rows().forEach(this::take);
      cursor = rows.nextCursor();
      at = rows.sequence();
    } while (cursor.length > 0);
    sequence = at;
  }

  private void take(Change change) {
    if (change instanceof Change.PutInode put) {
      inodes.put(put.ino(), put.state());
    } else if (change instanceof Change.PutXattrs put) {
      xattrs.put(put.ino(), put.xattrs());
    } else if (change instanceof Change.PutBlock put) {
      blocks.computeIfAbsent(put.ino(), key -> new TreeMap<>()).put(put.blockIndex(), put.id());
    } else if (change instanceof Change.PutDentry put) {
      names.put(put.parentIno() + "/" + put.name(), put);
    } else if (change instanceof Change.PutWhiteout put) {
      names.put(put.parentIno() + "/" + put.name(), put);
    } else {
      throw new AssertionError("no row of a head: " + change);
    }
  }

  /** The content of a file that has own data. */
  byte[] content(long ino, RepositoryTree base) throws Exception {
    InodeState state = inodes.get(ino);
    byte[] content = new byte[Math.toIntExact(state.sizeBytes())];
    for (long block = 0; block * BlockId.BLOCK_BYTES < content.length; block++) {
      Map<Long, BlockId> own = blocks.getOrDefault(ino, Map.of());
      int at = (int) (block * BlockId.BLOCK_BYTES);
      if (own.containsKey(block)) {
        copy(own.get(block), new ReadScope.Overlay(node), content, at, Long.MAX_VALUE);
      } else if (base != null && state.baseVersion() != 0) {
        int slot = base.slotOf(ino);
        if (block < base.blockCount(slot)) {
          copy(
              base.block(slot, (int) block),
              new ReadScope.Version(base.master(), base.version()),
              content,
              at,
              state.baseLimitBytes() - at);
        }
      }
    }
    return content;
  }

  private void copy(BlockId id, ReadScope scope, byte[] target, int at, long mostBytes)
      throws Exception {
    if (id == null || mostBytes <= 0) {
      return;
    }
    List<StoredBlock> found =
        new ArrayList<>(
            rig.appliance.getBlocks(session, new Message.GetBlocks(scope, List.of(id))).blocks());
    byte[] raw = BlockCodec.decodeVerified(found.get(0));
    int length = (int) Math.min(Math.min(raw.length, mostBytes), target.length - at);
    System.arraycopy(raw, 0, target, at, length);
  }
}
