package io.mapfs.core.block;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import java.nio.ByteBuffer;

/** Reads verified bytes of blocks, from wherever they are nearest. Safe for concurrent use. */
public interface BlockReader {
  /**
   * Reads {@code target.remaining()} bytes of a block, which must have them; read through an
   * overlay, bytes past the block's own length are zeros (its file may have grown since).
   *
   * @param scope the version or overlay that names the block; the appliance checks membership
   * @param offsetBytes where in the block's content to begin
   * @throws FsException EIO if the bytes cannot be had or verified, EINTR if the caller gave up
   */
  void read(RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
      throws FsException;

  /**
   * Reads as {@link #read} does, but only what is on this machine.
   *
   * @return whether it was; if not, the buffer is as before
   */
  boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target);

  /** Starts to fetch blocks that will soon be read; a hint, never fails, never waits. */
  void prefetch(ReadScope scope, Iterable<BlockId> ids);
}
