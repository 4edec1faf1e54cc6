package io.mapfs.fuse.direct;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.fuse.MountedFileSystemContract;
import io.mapfs.fuse.TestMount;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The contract on the direct front end. */
class DirectMountTest extends MountedFileSystemContract {
  @Override
  protected String frontEnd() {
    return "direct";
  }

  @Test
  void theKernelKeepsLittleThatItHasNotHandedOver() throws Exception {
    try (TestMount mount = TestMount.start(frontEnd())) {
      String device = TestMount.shIn(mount.path(), "mountpoint -d .").trim();
      Path bound = Path.of("/sys/class/bdi", device, "max_bytes");
      Assumptions.assumeTrue(Files.exists(bound), "Linux 6.2 or later");
      // The kernel rounds, and counts in parts of its own bound.
      assertTrue(Long.parseLong(Files.readString(bound).trim()) <= 17L << 20);
    }
  }
}
