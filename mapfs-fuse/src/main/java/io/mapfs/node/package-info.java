/**
 * The node daemon: composes the appliance's client, the block cache, the overlay and a front end
 * into one mounted root.
 *
 * <p>Main type: {@link io.mapfs.node.NodeDaemon}. What it keeps on the machine's own disk ({@link
 * io.mapfs.node.NodePaths}) is a cache and an unsent tail, never the only truth of what the
 * appliance has acknowledged.
 *
 * <p>Locks: none of its own but the state directory's file lock; teardown runs once, on the thread
 * that calls {@link io.mapfs.node.NodeDaemon#run}.
 */
package io.mapfs.node;
