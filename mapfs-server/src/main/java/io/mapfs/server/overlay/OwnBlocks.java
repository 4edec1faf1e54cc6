package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import java.io.IOException;
import java.util.List;

/**
 * An overlay's blocks on their way between whoever knows them by their ids and the store, which may
 * have them under other ones. Rows name them as they are stored.
 */
interface OwnBlocks {
  /** The id that the overlay's block with this id is stored under. */
  BlockId storedId(BlockId id) throws IOException;

  /** The id of a block that the overlay's rows name so. */
  BlockId id(BlockId storedId) throws IOException;

  /** The content of a block that the rows name, verified; the caller's own. */
  byte[] read(BlockId storedId) throws IOException;

  /** Stores {@code content[0, length)} and returns what rows are to name it. */
  BlockId write(byte[] content, int length) throws IOException;

  /** Blocks of the overlay, or of the version below, as they are sent, in the order asked for. */
  List<StoredBlock> get(List<BlockId> ids) throws IOException;
}
