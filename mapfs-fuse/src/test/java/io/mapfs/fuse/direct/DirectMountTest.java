package io.mapfs.fuse.direct;

import io.mapfs.fuse.MountedFileSystemContract;

/** The contract on the direct front end. */
class DirectMountTest extends MountedFileSystemContract {
  @Override
  protected String frontEnd() {
    return "direct";
  }
}
