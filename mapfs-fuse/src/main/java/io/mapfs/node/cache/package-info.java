/**
 * The node's cache: blocks that were fetched and verified once, decompressed, in memory and on the
 * machine's own disk.
 *
 * <pre>
 *  reader ── BlockCache ── RecentBlocks        in memory, bounded in bytes
 *                │    └─── SegmentStore        on disk: BlockIndex, Segment, LeafHashCache
 *                │              ▲
 *                │          WriteBehind        bounded queue, one thread
 *                │              ▲
 *                └──────── BlockFetcher ── BlockSource (the appliance)
 *  ReadAhead ── Prefetcher ────┤
 *  BootAhead ──────────────────┘
 * </pre>
 *
 * <p>Main types: {@link io.mapfs.node.cache.BlockCache} (a {@link
 * io.mapfs.core.block.BlockReader}), {@link io.mapfs.node.cache.BlockSource} (port to the
 * appliance), {@link io.mapfs.node.cache.ReadAhead} and {@link io.mapfs.node.cache.BootAhead}
 * (which blocks come next: by what is being read, and by what an earlier boot read).
 *
 * <p>Invariants: no byte leaves that does not hash to its block's id; nothing here is the only copy
 * of anything, so every fault of the disk is a miss; every queue, map and file is bounded.
 *
 * <p>Locks, none held while waiting for disk or network and never two at a time but where shown:
 * {@code BlockFetcher.lock}; {@code SegmentStore.appendLock} (held over appends, by the
 * write-behind thread) → a shard of {@code BlockIndex}; {@code RecentBlocks}; {@code
 * ReadAhead.lock}.
 *
 * <p>Left out on purpose: fsync. A cache that a power cut tore is verified as it is read.
 */
package io.mapfs.node.cache;
