/**
 * The Smart Mirror: takes, keeps, compares and restores snapshots, and moves overlays from version
 * to version.
 *
 * <p>Main types: {@link io.mapfs.server.mirror.Mirror} (what the control methods call), {@link
 * io.mapfs.server.mirror.HeadView} (an overlay at one sequence, over a version: what a node sees),
 * {@link io.mapfs.server.mirror.Differences}, {@link io.mapfs.server.mirror.Rebase}.
 *
 * <p>Invariants: a snapshot never changes; taking one costs the same whatever the tree and the
 * overlay weigh; comparing and rolling back cost what the overlay weighs, never what the tree does.
 */
package io.mapfs.server.mirror;
