package io.mapfs.core.block;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Where the appliance keeps blocks. Safe for concurrent use. */
public interface BlockStore extends Closeable {
  /** Whether the block is here and, after {@link #sync}, durable. */
  boolean contains(BlockId id) throws IOException;

  /**
   * The block as stored; its payload is the caller's own. The checksum of the stored bytes was
   * verified, the content's hash was not: that is the reader's task.
   *
   * @throws CorruptBlockException if the stored bytes are not what was written
   */
  Optional<StoredBlock> get(BlockId id) throws IOException;

  /**
   * Several blocks, each as {@link #get} gives it, in the order asked for.
   *
   * @throws CorruptBlockException if the stored bytes of one are not what was written
   */
  List<Optional<StoredBlock>> getAll(List<BlockId> ids) throws IOException;

  /**
   * Stores the block unless it is here. The caller has verified that the content hashes to the id.
   * Visible to {@link #get} on return, durable only after {@link #sync}.
   *
   * @return whether the block was new
   */
  boolean put(StoredBlock block) throws IOException;

  /** Makes every block durable whose {@link #put} returned before this call. */
  void sync() throws IOException;
}
