package io.mapfs.fuse.jnr;

import io.mapfs.fuse.MountedFileSystemContract;

final class JnrMountTest extends MountedFileSystemContract {
  @Override
  protected String frontEnd() {
    return "jnr";
  }
}
