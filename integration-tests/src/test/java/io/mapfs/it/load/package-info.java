/**
 * Many nodes at one appliance. A {@link io.mapfs.it.load.LightNode} speaks a node's protocol
 * without a mount, so that one machine can be 128 of them; {@link io.mapfs.it.load.LoadRun} is the
 * program that {@code scripts/bench serve} measures with. One thread a node, and no locks.
 */
package io.mapfs.it.load;
