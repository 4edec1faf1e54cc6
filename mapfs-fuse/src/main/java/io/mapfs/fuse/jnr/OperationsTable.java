package io.mapfs.fuse.jnr;

import com.kenai.jffi.MemoryIO;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * {@code struct fuse_operations} in native memory, as jnr-fuse lays it out, with callbacks of our
 * own shapes. Never freed: libfuse may call as long as the process lives.
 */
final class OperationsTable {
  /** flag_nullpath_ok, flag_nopath, flag_utime_omit_ok: the bits of one 32-bit number. */
  private static final int FLAGS = 1 | 1 << 1 | 1 << 2;

  private static final MemoryIO MEMORY = MemoryIO.getInstance();

  private final FuseOperations layout = new FuseOperations(Runtime.getSystemRuntime());
  private final long sizeBytes = Struct.size(layout);
  private final long address = MEMORY.allocateMemory(sizeBytes, true);

  /** Keeps callbacks and their native trampolines from being collected. */
  private final List<Object> kept = new ArrayList<>();

  OperationsTable() {
    MEMORY.putInt(address + layout.flag_nullpath_ok.offset(), FLAGS);
  }

  /** Sets the callback of a member. */
  <T> OperationsTable set(
      Function<FuseOperations, Struct.AbstractMember> member, Class<T> shape, T callback) {
    Pointer trampoline =
        Runtime.getSystemRuntime().getClosureManager().getClosurePointer(shape, callback);
    kept.add(callback);
    kept.add(trampoline);
    MEMORY.putLong(address + member.apply(layout).offset(), trampoline.address());
    return this;
  }

  long address() {
    return address;
  }

  long sizeBytes() {
    return sizeBytes;
  }
}
