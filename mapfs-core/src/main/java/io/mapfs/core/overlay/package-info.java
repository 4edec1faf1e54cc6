/**
 * The overlay: a node's private changes over a read-only version, as a filesystem.
 *
 * <p>Main types: {@link io.mapfs.core.overlay.OverlayFileSystem} (the operations port over both),
 * {@link io.mapfs.core.overlay.OverlayState} (the local copy on the node's disk: index, page log,
 * local journal). Ports here are what the filesystem needs of the world: {@link
 * io.mapfs.core.overlay.Versions} (trees of the versions that it inherits from), {@link
 * io.mapfs.core.overlay.JournalShipper} (the way to the appliance), {@link
 * io.mapfs.core.overlay.ReadListener} (read-ahead).
 *
 * <p>Behind the port, by job: names ({@code NameOperations}, {@code RenameOperation}, with {@code
 * NameRules} and {@code NameChanges}), attributes, xattrs, listings, files; content of files is
 * read by {@code ContentReader}, written by {@code ContentWriter}, cut and punched by {@code
 * ContentResizer}. {@code OverlayTree} is the state that they share, {@code Batches} the open batch
 * and what waits for it.
 *
 * <p>How a change travels:
 *
 * <pre>
 *   operation → heap + page log → cut → sealed (hashed, numbered) → local journal → index
 *                                                                        └→ shipped → acknowledged
 * </pre>
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>What the version has and the overlay never touched has no object in the heap and costs no
 *       call to the index.
 *   <li>An open batch always fits into one record: room is reserved before anything is changed.
 *   <li>A page log slot that a sealed record names is never written again; a segment goes when no
 *       extent names its slots and every record that named or released one is acknowledged; where
 *       compaction moved pages out of it, not before the index has that on disk.
 *   <li>Nothing on this machine counts as durable whose sync failed once, or whose file's name was
 *       not synced.
 *   <li>One operation's changes are in one record (a write of more than 1 MiB excepted).
 *   <li>The index is at one record's state, and names that record in the same write batch; the
 *       local journal has all records after the one that the index has on disk.
 *   <li>An object in the heap that differs from the index is never evicted.
 *   <li>Inode numbers and cookies are never given twice, sealed or not: ranges are noted on disk
 *       ahead.
 * </ul>
 *
 * <p>Locks, in order: the tree lock (shared: lookups, listings, reads, the publishing of a write;
 * exclusive: names, copy-up, cutting a batch) → an inode's monitor → the open batch's monitor → the
 * pipeline's lock, the page log's monitor, the counters' stripes (leaves). No lock is held while
 * blocks are read, while whole pages are written to the page log, or while anyone waits for room or
 * for the appliance; only a write of less than a page into a page of the open batch is done under
 * the inode's monitor. {@code PageCompactor} writes a few rows of the index under the tree lock.
 * {@code Preloader} has the kernel take a file's pages under the shared tree lock and the stripe of
 * the inode's opens: the kernel asks for nothing meanwhile.
 *
 * <p>Left out on purpose: permission checks and byte-range locks (the kernel's), changing the
 * version under a running mount.
 */
package io.mapfs.core.overlay;
