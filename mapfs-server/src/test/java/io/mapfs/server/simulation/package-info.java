/**
 * A deterministic simulation of the journal and lease protocol: the rules that run are those of the
 * node ({@link io.mapfs.core.overlay.NodeProtocol}, {@link io.mapfs.core.overlay.CatchUp}) and of
 * the appliance ({@link io.mapfs.server.overlay.JournalProtocol}); time, network, disks and crashes
 * are made up from a seed.
 */
package io.mapfs.server.simulation;
