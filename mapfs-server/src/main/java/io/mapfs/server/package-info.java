/**
 * The appliance: keeps masters, overlays and snapshots, and serves them.
 *
 * <p>{@link io.mapfs.server.ApplianceService} is the seam between what the appliance does and the
 * network server that lets clients ask for it; no type of the network library crosses it.
 */
package io.mapfs.server;
