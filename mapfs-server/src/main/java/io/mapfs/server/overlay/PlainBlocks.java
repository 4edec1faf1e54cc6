package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.server.store.Blocks;
import java.io.IOException;
import java.util.List;

/** Blocks of an overlay that is not encrypted: as all others. */
record PlainBlocks(Blocks blocks) implements OwnBlocks {
  @Override
  public BlockId storedId(BlockId id) {
    return id;
  }

  @Override
  public BlockId id(BlockId storedId) {
    return storedId;
  }

  @Override
  public byte[] read(BlockId storedId) throws IOException {
    return blocks.read(storedId);
  }

  @Override
  public BlockId write(byte[] content, int length) throws IOException {
    return blocks.write(content, length);
  }

  @Override
  public List<StoredBlock> get(List<BlockId> ids) throws IOException {
    return blocks.stored(ids);
  }
}
