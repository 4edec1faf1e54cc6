package io.mapfs.server.store;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockStore;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.StoredBlock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The appliance's blocks, as stored and as content. Safe for concurrent use. */
public final class Blocks {
  private final BlockStore store;
  private final BlockCodec codec = new BlockCodec();

  public Blocks(BlockStore store) {
    this.store = store;
  }

  public boolean contains(BlockId id) throws IOException {
    return store.contains(id);
  }

  /**
   * The block as stored.
   *
   * @throws CorruptBlockException if it is missing or damaged
   */
  public StoredBlock stored(BlockId id) throws IOException {
    return here(id, store.get(id));
  }

  /** Several blocks as stored, in the order asked for; fails as {@link #stored} does. */
  public List<StoredBlock> stored(List<BlockId> ids) throws IOException {
    List<Optional<StoredBlock>> found = store.getAll(ids);
    List<StoredBlock> blocks = new ArrayList<>(ids.size());
    for (int i = 0; i < ids.size(); i++) {
      blocks.add(here(ids.get(i), found.get(i)));
    }
    return blocks;
  }

  private static StoredBlock here(BlockId id, Optional<StoredBlock> block)
      throws CorruptBlockException {
    StoredBlock found = block.orElseThrow(() -> missing(id));
    if (found.isSealed()) {
      throw missing(id);
    }
    return found;
  }

  private static CorruptBlockException missing(BlockId id) {
    return new CorruptBlockException("block " + id + " is missing from the store");
  }

  /**
   * A block of an encrypted overlay, as stored: for that overlay alone.
   *
   * @throws CorruptBlockException if it is missing, damaged, or not encrypted
   */
  public StoredBlock sealed(BlockId storedId) throws IOException {
    StoredBlock found = store.get(storedId).orElseThrow(() -> missing(storedId));
    if (!found.isSealed()) {
      throw missing(storedId);
    }
    return found;
  }

  /** The block's content, verified; the caller's own. */
  public byte[] read(BlockId id) throws IOException {
    return BlockCodec.decodeVerified(stored(id));
  }

  /** Stores {@code content[0, length)} and returns its id. Durable after {@link #sync}. */
  public BlockId write(byte[] content, int length) throws IOException {
    StoredBlock block = codec.encode(ByteBuffer.wrap(content, 0, length));
    store.put(block);
    return block.id();
  }

  /**
   * Stores {@code content[0, length)} as a seal makes it, and returns the id that it has then.
   * Durable after {@link #sync}.
   */
  public BlockId writeSealed(byte[] content, int length, UnaryOperator<StoredBlock> seal)
      throws IOException {
    StoredBlock block = seal.apply(codec.encode(ByteBuffer.wrap(content, 0, length)));
    store.put(block);
    return block.id();
  }

  /**
   * Verifies a block that came from outside and stores it.
   *
   * @return whether it was new
   */
  public boolean put(StoredBlock block) throws IOException {
    BlockCodec.decodeVerified(block);
    return store.put(block);
  }

  /** Makes all blocks durable that were stored before. */
  public void sync() throws IOException {
    store.sync();
  }
}
