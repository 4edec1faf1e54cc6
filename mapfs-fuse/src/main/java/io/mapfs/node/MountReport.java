package io.mapfs.node;

import java.nio.file.Path;

/**
 * What a mount that answers has to say of itself.
 *
 * @param frontEnd the one in use
 * @param protocol FUSE's version, such as 7.45
 * @param master what the root stands on, and {@code version}
 * @param headLoaded whether the overlay was fetched anew (false: the local copy was current)
 * @param resentRecords records that an earlier daemon had not got rid of and that were sent now
 * @param lateRecords those of them that came too late, and that the appliance keeps aside
 */
public record MountReport(
    String node,
    Path mountPoint,
    String frontEnd,
    String protocol,
    String master,
    int version,
    long epoch,
    boolean headLoaded,
    int resentRecords,
    int lateRecords) {}
