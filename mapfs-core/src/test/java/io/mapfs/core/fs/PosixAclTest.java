package io.mapfs.core.fs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

final class PosixAclTest {
  /** u::rwx u:1000:rw- g::r-x m::rwx o::r-- */
  private static final int[][] EXTENDED = {
    {1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {0x10, 7, -1}, {0x20, 4, -1}
  };

  @Test
  void aListSurvivesAsBytes() throws Exception {
    assertArrayEquals(AclXattr.of(EXTENDED), PosixAcl.parse(AclXattr.of(EXTENDED)).toBytes());
  }

  @Test
  void aListWithoutEntriesIsNoList() throws Exception {
    assertNull(PosixAcl.parse(AclXattr.of()));
  }

  @Test
  void brokenListsAreInvalid() {
    assertInvalid(new byte[3]);
    assertInvalid(AclXattr.of(new int[][] {{1, 7, -1}, {4, 5, -1}}));
    assertInvalid(AclXattr.of(new int[][] {{4, 7, -1}, {1, 5, -1}, {0x20, 0, -1}}));
    assertInvalid(AclXattr.of(new int[][] {{1, 8, -1}, {4, 5, -1}, {0x20, 0, -1}}));
    assertInvalid(AclXattr.of(new int[][] {{1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {0x20, 0, -1}}));
  }

  @Test
  void theMaskIsTheGroupBits() throws Exception {
    PosixAcl acl = PosixAcl.parse(AclXattr.of(EXTENDED));
    assertEquals(0774, acl.permissionBits());
    assertFalse(acl.isEquivalentToMode());
    PosixAcl changed = acl.withPermissionBits(0640);
    assertEquals(0640, changed.permissionBits());
    assertEquals(5, entry(changed, 2)[1], "the owning group's entry stays behind the mask");
  }

  @Test
  void aMinimalListIsItsMode() throws Exception {
    PosixAcl acl = PosixAcl.parse(AclXattr.of(new int[][] {{1, 6, -1}, {4, 4, -1}, {0x20, 0, -1}}));
    assertTrue(acl.isEquivalentToMode());
    assertEquals(0640, acl.permissionBits());
    PosixAcl.Inherited inherited = acl.inherit(0777);
    assertEquals(0640, inherited.permissions());
    assertNull(inherited.access());
  }

  @Test
  void aNewFileGetsTheDefaultListWithinItsMode() throws Exception {
    PosixAcl.Inherited inherited = PosixAcl.parse(AclXattr.of(EXTENDED)).inherit(02660);
    assertEquals(02660, inherited.permissions());
    assertNotNull(inherited.access());
    assertEquals(0660, inherited.access().permissionBits());
    assertEquals(6, entry(inherited.access(), 1)[1]);
  }

  private static void assertInvalid(byte[] bytes) {
    FsException e = assertThrows(FsException.class, () -> PosixAcl.parse(bytes));
    assertEquals(Errno.EINVAL, e.errno());
  }

  private static int[] entry(PosixAcl acl, int index) {
    ByteBuffer buffer = ByteBuffer.wrap(acl.toBytes()).order(ByteOrder.LITTLE_ENDIAN);
    buffer.position(4 + 8 * index);
    return new int[] {buffer.getShort(), buffer.getShort(), buffer.getInt()};
  }
}
