/**
 * The store directory: who it is, what it keeps, and the repository in it.
 *
 * <p>Main types: {@link io.mapfs.server.store.StoreDirectory} (layout, format, lock), {@link
 * io.mapfs.server.store.ControlStore} (the port to control records: masters, versions, nodes,
 * leases, snapshots), {@link io.mapfs.server.store.Repository} (masters, their versions' trees, who
 * names which block) and {@link io.mapfs.server.store.ApplianceStore}, which opens all of it.
 *
 * <p>Invariants: a version exists once its control record is durable, which is written last: its
 * blocks and its tree file are durable before. A control record is durable when {@link
 * io.mapfs.server.store.ControlStore#commit} returns. What a crash leaves half done is invisible
 * and is removed at the next open.
 *
 * <p>Locks: the repository's imports, then nothing; no lock is held over a client's request.
 */
package io.mapfs.server.store;
