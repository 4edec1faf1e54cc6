package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;

/** Requests about attributes and extended attributes. */
final class AttributeHandlers {
  private static final int SETXATTR_ACL_KILL_SGID = 1;

  private AttributeHandlers() {}

  /** {@code struct fuse_getattr_in} names a handle at best; the node id says enough. */
  static void getattr(KernelConnection c, Exchange x) throws FsException {
    Attributes a = c.operations().getattr(x, x.node());
    AttributesOut.putReply(x.out(), a, c.blocks(a));
  }

  static void statx(KernelConnection c, Exchange x) throws FsException {
    Attributes a = c.operations().getattr(x, x.node());
    StatxOut.put(x.out(), a, c.blocks(a));
  }

  static void setattr(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    boolean handles = !c.has(InitFlag.NO_OPEN_SUPPORT);
    Attributes a =
        c.operations().setattr(x, x.node(), SetattrIn.change(in, in.position(), handles));
    AttributesOut.putReply(x.out(), a, c.blocks(a));
  }

  /**
   * {@code struct fuse_setxattr_in}: u32 size, u32 flags, and with SETXATTR_EXT u32 setxattr_flags,
   * pad; then the name and {@code size} bytes of value.
   */
  static void setxattr(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    boolean extended = c.has(InitFlag.SETXATTR_EXT);
    if (extended && in.remaining() < 18) {
      throw new FsException(Errno.EINVAL, "SETXATTR of " + in.remaining() + " bytes");
    }
    int size = in.getInt();
    int flags = in.getInt();
    int extendedFlags = extended ? (int) in.getLong() : 0;
    Name name = x.takeName();
    if (size != in.remaining()) {
      throw new FsException(Errno.EINVAL, "a value of " + in.remaining() + " bytes, not " + size);
    }
    byte[] value = new byte[size];
    in.get(value);
    boolean clearSetgid = (extendedFlags & SETXATTR_ACL_KILL_SGID) != 0;
    c.operations().setxattr(x, x.node(), name, value, flags, clearSetgid);
  }

  /** {@code struct fuse_getxattr_in}: u32 size, pad; then the name. */
  static void getxattr(KernelConnection c, Exchange x) throws FsException {
    int size = x.in().getInt();
    x.in().getInt();
    Name name = x.takeName();
    byte[] value = c.operations().getxattr(x, x.node(), name);
    if (value == null) {
      throw new FsException(Errno.ENODATA, "no " + name);
    }
    sized(x.out(), value, size);
  }

  static void listxattr(KernelConnection c, Exchange x) throws FsException {
    int size = x.in().getInt();
    sized(x.out(), c.operations().listxattr(x, x.node()), size);
  }

  static void removexattr(KernelConnection c, Exchange x) throws FsException {
    c.operations().removexattr(x, x.node(), x.takeName());
  }

  /** A size of 0 asks for the length: {@code struct fuse_getxattr_out}, u32 size, pad. */
  private static void sized(ByteBuffer out, byte[] value, int size) throws FsException {
    if (size == 0) {
      out.putInt(value.length).putInt(0);
    } else if (value.length > Math.min(Integer.toUnsignedLong(size), out.remaining())) {
      throw new FsException(Errno.ERANGE, value.length + " bytes do not fit into " + size);
    } else {
      out.put(value);
    }
  }
}
