/**
 * Blocks: up to 128 KiB of one file's content, addressed by hash, compressed, kept in packs.
 *
 * <p>Main types: {@link io.mapfs.core.block.BlockId}, {@link io.mapfs.core.block.StoredBlock},
 * {@link io.mapfs.core.block.BlockCodec} (one to the other), the ports {@link
 * io.mapfs.core.block.BlockStore} (the appliance's) and {@link io.mapfs.core.block.BlockReader} (a
 * reader of verified bytes), and {@link io.mapfs.core.block.PackStore}, the block store in local
 * files. The layout of packs stands in {@code PackFormat} and, byte by byte, in {@code
 * docs/format.md}.
 *
 * <p>Invariants: no byte leaves a {@code BlockReader} that does not hash to the id that was asked
 * for; a pack is only appended to until it is sealed, and never changed after; the index says
 * nothing that the packs do not, so it can be made again from them.
 *
 * <p>Lock order in the pack store: the sync lock, then the append lock, then the table of open
 * packs. Reads take the last one only, and not while they read.
 */
package io.mapfs.core.block;
