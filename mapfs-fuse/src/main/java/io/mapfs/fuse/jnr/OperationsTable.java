package io.mapfs.fuse.jnr;

import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * {@code struct fuse_operations} in native memory, as jnr-fuse lays it out, with callbacks of our
 * own shapes.
 */
final class OperationsTable extends FuseOperations {
  /** flag_nullpath_ok, flag_nopath, flag_utime_omit_ok: the bits of one 32-bit number. */
  private static final int FLAGS = 1 | (1 << 1) | (1 << 2);

  private final long sizeBytes = Struct.size(this);
  private final long address = NativeMemory.allocate(sizeBytes);

  /** Keeps callbacks and their native trampolines from being collected. */
  private final List<Object> kept = new ArrayList<>();

  OperationsTable() {
    super(Runtime.getSystemRuntime());
    NativeMemory.putInt(address + flag_nullpath_ok.offset(), FLAGS);
  }

  /** Sets the callback of a member of this table. */
  <T> void set(Func<?> member, Class<T> shape, T callback) {
    jnr.ffi.Pointer trampoline =
        Runtime.getSystemRuntime().getClosureManager().getClosurePointer(shape, callback);
    kept.add(callback);
    kept.add(trampoline);
    NativeMemory.putLong(address + member.offset(), trampoline.address());
  }

  long address() {
    return address;
  }

  long sizeBytes() {
    return sizeBytes;
  }

  /** Lets go of memory and callbacks, once libfuse calls no more. */
  void free() {
    kept.clear();
    NativeMemory.free(address);
  }
}
