/**
 * Blocks: up to 128 KiB of one file's content, addressed by hash, compressed, kept in packs.
 *
 * <p>Main types: {@link io.mapfs.core.block.BlockId}, {@link io.mapfs.core.block.StoredBlock}, and
 * the ports {@link io.mapfs.core.block.BlockStore} (the appliance's) and {@link
 * io.mapfs.core.block.BlockReader} (a reader of verified bytes).
 *
 * <p>Invariant: no byte leaves a {@code BlockReader} that does not hash to the id that was asked
 * for.
 */
package io.mapfs.core.block;
