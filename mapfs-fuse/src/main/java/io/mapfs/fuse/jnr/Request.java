package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.fuse.kernel.InHeader;
import io.mapfs.fuse.kernel.Interruption;
import java.util.Arrays;

/**
 * The kernel's request that a worker is serving, as it lies in the worker's buffer. One a worker,
 * used again for each request.
 */
final class Request implements RequestContext {
  // Numbers of requests (enum fuse_opcode).
  static final int SETATTR = 4;
  static final int MKNOD = 8;
  static final int MKDIR = 9;
  static final int UNLINK = 10;
  static final int RENAME = 12;
  static final int INIT = 26;
  static final int CREATE = 35;
  static final int INTERRUPT = 36;

  /** In {@code struct fuse_setattr_in}: where atime, mtime and their nanoseconds stand. */
  private static final int[] SETATTR_SECONDS = {32, 40};

  private static final int[] SETATTR_NANOS = {56, 60};

  /** {@code struct fuse_rename_in}: u64 newdir; then the two names. */
  private static final int RENAME_NAMES = InHeader.BYTES + 8;

  private final Interruption interruption = new Interruption();
  private long address;
  private int opcode;

  /** A request begins whose header is at that address. */
  void begin(long newAddress) {
    address = newAddress;
    opcode = NativeMemory.getInt(newAddress + InHeader.OPCODE);
    interruption.begin(unique(), pid());
  }

  void end() {
    interruption.end();
  }

  Interruption interruption() {
    return interruption;
  }

  int opcode() {
    return opcode;
  }

  long unique() {
    return NativeMemory.getLong(address + InHeader.UNIQUE);
  }

  /** libfuse's number of the node that the request names. */
  long kernelNode() {
    return NativeMemory.getLong(address + InHeader.NODE);
  }

  /** Of an INTERRUPT: the request that it is for. */
  long interruptTarget() {
    return NativeMemory.getLong(address + InHeader.BYTES);
  }

  /** Of a SETATTR: the access (0) or modification time (1), which "now" has too. */
  FileTime time(int which) {
    long body = address + InHeader.BYTES;
    return new FileTime(
        NativeMemory.getLong(body + SETATTR_SECONDS[which]),
        NativeMemory.getInt(body + SETATTR_NANOS[which]));
  }

  /** Of a RENAME: whether this is the new name that the caller gave. */
  boolean isRenamedTo(byte[] name) {
    byte[] oldName = NativeMemory.string(address + RENAME_NAMES);
    return Arrays.equals(name, NativeMemory.string(address + RENAME_NAMES + oldName.length + 1));
  }

  @Override
  public int uid() {
    return NativeMemory.getInt(address + InHeader.UID);
  }

  @Override
  public int gid() {
    return NativeMemory.getInt(address + InHeader.GID);
  }

  @Override
  public int pid() {
    return NativeMemory.getInt(address + InHeader.PID);
  }

  /** Second number of fuse_mkdir_in, third of fuse_mknod_in and fuse_create_in (FUSE_DONT_MASK). */
  @Override
  public int umask() {
    return switch (opcode) {
      case MKDIR -> NativeMemory.getInt(address + InHeader.BYTES + 4);
      case MKNOD, CREATE -> NativeMemory.getInt(address + InHeader.BYTES + 8);
      default -> 0;
    };
  }

  @Override
  public boolean isInterrupted() {
    return interruption.isInterrupted();
  }

  @Override
  public void onInterrupt(Runnable action) {
    interruption.onInterrupt(action);
  }
}
