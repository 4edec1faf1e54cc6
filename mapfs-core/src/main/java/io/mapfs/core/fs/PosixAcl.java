package io.mapfs.core.fs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A POSIX.1e access control list, as the xattrs {@code system.posix_acl_access} and {@code
 * system.posix_acl_default} carry it (linux/posix_acl_xattr.h, version 2, little-endian). The
 * algorithms are those of fs/posix_acl.c, by the same names. Immutable.
 */
public final class PosixAcl {
  public static final Name ACCESS = Name.of("system.posix_acl_access");
  public static final Name DEFAULT = Name.of("system.posix_acl_default");

  private static final int XATTR_VERSION = 2;
  private static final int HEADER_BYTES = 4;
  private static final int ENTRY_BYTES = 8;
  private static final int UNDEFINED_ID = -1;

  private static final int USER_OBJ = 0x01;
  private static final int USER = 0x02;
  private static final int GROUP_OBJ = 0x04;
  private static final int GROUP = 0x08;
  private static final int MASK = 0x10;
  private static final int OTHER = 0x20;

  private record Entry(int tag, int permissions, int id) {
    Entry withPermissions(int changed) {
      return new Entry(tag, changed, id);
    }
  }

  /** What a new file gets from its directory's default ACL. */
  public record Inherited(int permissions, PosixAcl access) {}

  private final List<Entry> entries;

  private PosixAcl(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * Reads an xattr value.
   *
   * @return {@code null} for a list without entries, which means "no ACL"
   * @throws FsException EINVAL if it is malformed or not a valid list (posix_acl_valid), EOPNOTSUPP
   *     for another version
   */
  public static PosixAcl parse(byte[] xattr) throws FsException {
    if (xattr.length < HEADER_BYTES || (xattr.length - HEADER_BYTES) % ENTRY_BYTES != 0) {
      throw new FsException(Errno.EINVAL, "ACL of " + xattr.length + " bytes");
    }
    ByteBuffer buffer = ByteBuffer.wrap(xattr).order(ByteOrder.LITTLE_ENDIAN);
    if (buffer.getInt() != XATTR_VERSION) {
      throw new FsException(Errno.EOPNOTSUPP, "ACL of another version");
    }
    List<Entry> entries = new ArrayList<>();
    while (buffer.hasRemaining()) {
      int tag = buffer.getShort();
      int permissions = buffer.getShort();
      int id = buffer.getInt();
      entries.add(new Entry(tag, permissions, tag == USER || tag == GROUP ? id : UNDEFINED_ID));
    }
    if (entries.isEmpty()) {
      return null;
    }
    PosixAcl acl = new PosixAcl(entries);
    if (!acl.isValid()) {
      throw new FsException(Errno.EINVAL, "not a valid ACL");
    }
    return acl;
  }

  /** The list as an xattr value. */
  public byte[] toBytes() {
    ByteBuffer buffer =
        ByteBuffer.allocate(HEADER_BYTES + entries.size() * ENTRY_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    buffer.putInt(XATTR_VERSION);
    for (Entry entry : entries) {
      buffer.putShort((short) entry.tag).putShort((short) entry.permissions).putInt(entry.id);
    }
    return buffer.array();
  }

  /** Whether the nine permission bits say all that this list says (posix_acl_equiv_mode). */
  public boolean isEquivalentToMode() {
    return entries.stream().noneMatch(e -> e.tag == USER || e.tag == GROUP || e.tag == MASK);
  }

  /** The nine permission bits that go with this access list. */
  public int permissionBits() {
    int owner = 0;
    int group = 0;
    int other = 0;
    int mask = -1;
    for (Entry entry : entries) {
      switch (entry.tag) {
        case USER_OBJ -> owner = entry.permissions;
        case GROUP_OBJ -> group = entry.permissions;
        case OTHER -> other = entry.permissions;
        case MASK -> mask = entry.permissions;
        default -> {}
      }
    }
    return (owner << 6) | ((mask >= 0 ? mask : group) << 3) | other;
  }

  /** This access list after chmod (posix_acl_chmod). */
  public PosixAcl withPermissionBits(int permissions) {
    boolean hasMask = entries.stream().anyMatch(e -> e.tag == MASK);
    List<Entry> changed = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      changed.add(
          switch (entry.tag) {
            case USER_OBJ -> entry.withPermissions((permissions >> 6) & 7);
            case GROUP_OBJ -> hasMask ? entry : entry.withPermissions((permissions >> 3) & 7);
            case MASK -> entry.withPermissions((permissions >> 3) & 7);
            case OTHER -> entry.withPermissions(permissions & 7);
            default -> entry;
          });
    }
    return new PosixAcl(changed);
  }

  /**
   * What a file that is made with these permissions in a directory with this default list gets
   * (posix_acl_create, posix_acl_create_masq). The umask plays no part where a default list stands.
   *
   * @return the permissions, and the access list or {@code null} where the permissions say it all
   */
  public Inherited inherit(int permissions) {
    boolean hasMask = entries.stream().anyMatch(e -> e.tag == MASK);
    int result = permissions;
    List<Entry> changed = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      int shift =
          switch (entry.tag) {
            case USER_OBJ -> 6;
            case GROUP_OBJ -> hasMask ? -1 : 3;
            case MASK -> 3;
            case OTHER -> 0;
            default -> -1;
          };
      if (shift < 0) {
        changed.add(entry);
      } else {
        int allowed = entry.permissions & (permissions >> shift) & 7;
        changed.add(entry.withPermissions(allowed));
        result = (result & ~(7 << shift)) | (allowed << shift);
      }
    }
    PosixAcl access = new PosixAcl(changed);
    return new Inherited(result, access.isEquivalentToMode() ? null : access);
  }

  /** posix_acl_valid: the order of tags, ids ascending are not demanded, one of each object. */
  private boolean isValid() {
    int state = USER_OBJ;
    boolean needsMask = false;
    for (Entry entry : entries) {
      if ((entry.permissions & ~7) != 0) {
        return false;
      }
      switch (entry.tag) {
        case USER_OBJ -> {
          if (state != USER_OBJ) {
            return false;
          }
          state = USER;
        }
        case USER -> {
          if (state != USER || entry.id == UNDEFINED_ID) {
            return false;
          }
          needsMask = true;
        }
        case GROUP_OBJ -> {
          if (state != USER) {
            return false;
          }
          state = GROUP;
        }
        case GROUP -> {
          if (state != GROUP || entry.id == UNDEFINED_ID) {
            return false;
          }
          needsMask = true;
        }
        case MASK -> {
          if (state != GROUP) {
            return false;
          }
          state = OTHER;
        }
        case OTHER -> {
          if (state != OTHER && (state != GROUP || needsMask)) {
            return false;
          }
          state = 0;
        }
        default -> {
          return false;
        }
      }
    }
    return state == 0;
  }
}
