package io.mapfs.node;

import io.mapfs.client.ClientSecurity;
import io.mapfs.client.Endpoint;
import io.mapfs.node.control.RunDirectory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a node's root is to be mounted.
 *
 * @param node the node's name
 * @param appliance where it is served
 * @param security by what the appliance is known, and what the node proves of itself
 * @param mountPoint an existing directory
 * @param frontEnd {@code auto}, {@code direct} or {@code jnr}
 * @param paths local directories
 * @param run where the control socket goes
 * @param cacheBytes size of the block cache; empty: as the node's record says, else a default
 * @param localDurability whether fsync returns once the node's own disk has the data (else: once
 *     the appliance has it)
 * @param readOnly whether the kernel refuses every change
 * @param idlePolling whether idle processors may poll while requests come thick and fast
 * @param force take the lease although another machine holds it
 * @param lossLimit how long reads and fsyncs wait for an unreachable appliance before they fail
 * @param bootWindow how long after the mount a boot may take: its reads are recorded, and fetched
 *     ahead at the next; zero: neither
 * @param failsOnLoss whether they fail at once while there is no connection
 * @param software this release, for people
 */
public record NodeConfig(
    String node,
    Endpoint appliance,
    ClientSecurity security,
    Path mountPoint,
    String frontEnd,
    NodePaths paths,
    RunDirectory run,
    Optional<Long> cacheBytes,
    boolean localDurability,
    boolean readOnly,
    boolean idlePolling,
    boolean force,
    Duration lossLimit,
    Duration bootWindow,
    boolean failsOnLoss,
    String software) {}
