package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.PosixAcl;

/** Which xattrs there can be (xattr(7); fs/xattr.c, xattr_permission). */
final class Xattrs {
  static final Name CAPABILITY = Name.of("security.capability");

  private static final byte[][] PREFIXES = {
    Name.of("user.").toBytes(), Name.of("trusted.").toBytes(), Name.of("security.").toBytes()
  };

  private Xattrs() {}

  static boolean isAcl(Name name) {
    return name.equals(PosixAcl.ACCESS) || name.equals(PosixAcl.DEFAULT);
  }

  /** EOPNOTSUPP for a namespace that does not exist here. */
  static void requireNamespace(Name name) throws FsException {
    for (byte[] prefix : PREFIXES) {
      if (hasPrefix(name, prefix)) {
        return;
      }
    }
    if (!isAcl(name)) {
      throw new FsException(Errno.EOPNOTSUPP, "xattr namespace of " + name);
    }
  }

  /** EPERM for a user xattr of anything but files and directories. */
  static void requireChangeable(Name name, FileType type) throws FsException {
    boolean allowed = type == FileType.REGULAR || type == FileType.DIRECTORY;
    if (!allowed && hasPrefix(name, PREFIXES[0])) {
      throw new FsException(Errno.EPERM, "user xattr of this type");
    }
  }

  private static boolean hasPrefix(Name name, byte[] prefix) {
    if (name.length() < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (name.byteAt(i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }
}
