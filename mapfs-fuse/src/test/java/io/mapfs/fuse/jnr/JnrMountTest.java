package io.mapfs.fuse.jnr;

import io.mapfs.fuse.MountedFileSystemContract;
import java.util.EnumSet;
import java.util.Set;

/** The contract on the libfuse front end, but for what libfuse 2 cannot express. */
final class JnrMountTest extends MountedFileSystemContract {
  @Override
  protected String frontEnd() {
    return "jnr";
  }

  @Override
  protected Set<Feature> lacks() {
    return EnumSet.of(
        Feature.ACL,
        Feature.BIRTH_TIME,
        Feature.CHEAP_WRITES,
        Feature.INVALIDATION,
        Feature.MOUNT_BARRIER,
        Feature.RENAME_FLAGS,
        Feature.TMPFILE);
  }
}
