package io.mapfs.fuse.kernel;

import io.mapfs.core.posix.OpenFlags;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;

/** A request of each opcode as the kernel makes it (struct layouts: include/uapi/linux/fuse.h). */
final class ValidRequests {
  private static final long NODE = 1;
  private static final long OTHER_NODE = 5;
  private static final long HANDLE = 3;
  private static final byte[] DATA = "some data".getBytes(StandardCharsets.US_ASCII);

  /** SETATTR's FATTR_MODE, UID, GID, SIZE, ATIME, MTIME. */
  private static final int SETATTR_VALID = 0x3f;

  private ValidRequests() {}

  static Map<Opcode, Request> of(Dialogue kernel) {
    Map<Opcode, Request> requests = new EnumMap<>(Opcode.class);
    for (Opcode opcode : Opcode.values()) {
      requests.put(opcode, body(kernel.request(opcode, NODE), opcode));
    }
    return requests;
  }

  private static Request body(Request r, Opcode opcode) {
    return switch (opcode) {
      case LOOKUP, UNLINK, RMDIR -> r.name("name");
      case FORGET -> r.u64(1);
      case GETATTR -> r.u32(1, 0).u64(HANDLE);
      case SETATTR ->
          r.u32(SETATTR_VALID, 0)
              .u64(HANDLE, 77, 0, 1_600_000_000, 1_600_000_001, 0)
              .u32(1, 2, 0, 0100640, 0, 42, 43, 0);
      case READLINK, STATFS, DESTROY -> r;
      case SYMLINK -> r.name("name").name("target");
      case MKNOD -> r.u32(0020666, 0x103, 022, 0).name("name");
      case MKDIR -> r.u32(0755, 022).name("name");
      case RENAME -> r.u64(OTHER_NODE).name("name").name("other");
      case RENAME2 -> r.u64(OTHER_NODE).u32(2, 0).name("name").name("other");
      case LINK -> r.u64(OTHER_NODE).name("name");
      case OPEN, OPENDIR -> r.u32(OpenFlags.O_RDWR, 0);
      case READ, READDIR, READDIRPLUS ->
          r.u64(HANDLE, 0).u32(4096, 0).u64(0).u32(OpenFlags.O_RDWR, 0);
      case WRITE -> r.u64(HANDLE, 0).u32(DATA.length, 1).u64(0).u32(OpenFlags.O_RDWR, 0).data(DATA);
      case RELEASE, RELEASEDIR -> r.u64(HANDLE).u32(OpenFlags.O_RDWR, 0).u64(0);
      case FSYNC, FSYNCDIR -> r.u64(HANDLE).u32(1, 0);
      case SETXATTR -> r.u32(DATA.length, 0, 0, 0).name("user.name").data(DATA);
      case GETXATTR -> r.u32(65536, 0).name("user.name");
      case LISTXATTR -> r.u32(65536, 0);
      case REMOVEXATTR -> r.name("user.name");
      case FLUSH -> r.u64(HANDLE, 0, 0);
      case INIT -> r.u32(7, 45, 131072, -1, -1).u32(new int[11]);
      case CREATE -> r.u32(OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0100644, 022, 0).name("name");
      case TMPFILE -> r.u32(OpenFlags.O_RDWR, 0100600, 022, 0).name("#1");
      case INTERRUPT -> r.u64(2);
      case IOCTL -> r.u64(HANDLE).u32(0, 0x5401).u64(0).u32(0, 0);
      case BATCH_FORGET -> r.u32(2, 0).u64(NODE, 1, OTHER_NODE, 2);
      case FALLOCATE -> r.u64(HANDLE, 4096, 8192).u32(3, 0);
      case LSEEK -> r.u64(HANDLE, 0).u32(3, 0);
      case COPY_FILE_RANGE, COPY_FILE_RANGE_64 ->
          r.u64(HANDLE, 0, OTHER_NODE, HANDLE, 8192, 4096, 0);
      case SYNCFS -> r.u64(0);
      case STATX -> r.u32(1, 0).u64(HANDLE).u32(0, 0xfff);
    };
  }
}
