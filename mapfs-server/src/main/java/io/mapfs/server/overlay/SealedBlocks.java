package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.seal.OverlaySeal;
import io.mapfs.server.store.Blocks;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Blocks of an encrypted overlay; each method needs its key. */
final class SealedBlocks implements OwnBlocks {
  private final long overlayId;
  private final OverlayRows rows;
  private final Blocks blocks;
  private final HeldKey key;

  SealedBlocks(long overlayId, OverlayRows rows, Blocks blocks, HeldKey key) {
    this.overlayId = overlayId;
    this.rows = rows;
    this.blocks = blocks;
    this.key = key;
  }

  @Override
  public BlockId storedId(BlockId id) throws IOException {
    return key.seal().storedId(id);
  }

  @Override
  public BlockId id(BlockId storedId) throws IOException {
    return key.seal().id(storedId);
  }

  @Override
  public byte[] read(BlockId storedId) throws IOException {
    return BlockCodec.decodeVerified(key.seal().open(blocks.sealed(storedId)));
  }

  @Override
  public BlockId write(byte[] content, int length) throws IOException {
    OverlaySeal seal = key.seal();
    return blocks.writeSealed(content, length, seal::seal);
  }

  @Override
  public List<StoredBlock> get(List<BlockId> ids) throws IOException {
    OverlaySeal seal = key.seal();
    List<BlockId> plain = new ArrayList<>();
    List<StoredBlock> found = new ArrayList<>(ids.size());
    for (BlockId id : ids) {
      BlockId storedId = seal.storedId(id);
      boolean own = rows.names(overlayId, storedId);
      found.add(own ? seal.open(blocks.sealed(storedId)) : null);
      if (!own) {
        plain.add(id);
      }
    }
    // The version's, together: they often lie behind each other.
    Iterator<StoredBlock> ofVersion = blocks.stored(plain).iterator();
    found.replaceAll(block -> block == null ? ofVersion.next() : block);
    return found;
  }
}
