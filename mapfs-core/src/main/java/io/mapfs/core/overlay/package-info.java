/**
 * The overlay: a node's private changes over a read-only version, as a filesystem.
 *
 * <p>Ports here are what the filesystem needs of the world: {@link io.mapfs.core.overlay.Versions}
 * (trees of the versions that it inherits from) and {@link io.mapfs.core.overlay.JournalShipper}
 * (the way to the appliance).
 */
package io.mapfs.core.overlay;
