package io.mapfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MountTableTest {
  private static final String MOUNTINFO =
      """
      22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
      30 22 0:45 / /mnt/a\\040b rw - fuse.mapfs mapfs:web01 rw,user_id=0
      31 30 0:46 / /mnt/a\\040b rw master:2 propagate_from:1 - tmpfs tmp\\134fs rw
      nonsense
      """;

  @Test
  void findsTheMountThatIsSeen() {
    MountTable table = MountTable.parse(MOUNTINFO);
    MountTable.Mount seen = table.at(Path.of("/mnt/a b")).orElseThrow();
    assertEquals("tmpfs", seen.type());
    assertEquals("tmp\\fs", seen.source());
    assertTrue(seen.isOn(0, 46));
    assertEquals("ext4", table.at(Path.of("/")).orElseThrow().type());
    assertTrue(table.at(Path.of("/mnt")).isEmpty());
  }
}
