package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Posix;
import io.mapfs.fuse.jnr.Callbacks.LIL;
import io.mapfs.fuse.jnr.Callbacks.LL;
import io.mapfs.fuse.jnr.Callbacks.LLLLL;
import io.mapfs.fuse.jnr.OpenFiles.OpenFile;
import io.mapfs.fuse.jnr.Paths.Found;
import java.nio.ByteBuffer;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FileStat;

/** Callbacks on open directories. Reading goes by cookies, so that a handle holds no state. */
final class DirectoryCallbacks {
  private static final Runtime RUNTIME = Runtime.getSystemRuntime();

  private final FileSystemOperations operations;
  private final Paths paths;
  private final OpenFiles files;
  private final ThreadLocal<EntryBuffer> buffers = ThreadLocal.withInitial(EntryBuffer::new);

  /** libfuse's fill_dir, which never moves. */
  private volatile NativeFunction filler;

  /** An entry on its way to libfuse; a thread's own. */
  private static final class EntryBuffer {
    final ByteBuffer name = ByteBuffer.allocateDirect(Name.MAX_BYTES + 1);
    final long nameAddress = Posix.address(name);
    final FileStat stat = new FileStat(RUNTIME);
    final Pointer statPointer = RUNTIME.getMemoryManager().allocateDirect(Struct.size(stat), true);

    EntryBuffer() {
      stat.useMemory(statPointer);
    }
  }

  DirectoryCallbacks(FileSystemOperations operations, Paths paths, OpenFiles files) {
    this.operations = operations;
    this.paths = paths;
    this.files = files;
  }

  void register(OperationsTable table) {
    table.set(table.opendir, LL.class, this::opendir);
    table.set(table.readdir, LLLLL.class, this::readdir);
    table.set(table.releasedir, LL.class, this::releasedir);
    table.set(table.fsyncdir, LIL.class, this::fsyncdir);
  }

  private int opendir(long path, long info) {
    return Answer.to(
        "opendir",
        request -> {
          try (Found directory = paths.find(request, path)) {
            long handle = operations.opendir(request, directory.node());
            FileInfo.setHandle(info, files.add(directory.node(), handle, directory.take()));
            return 0;
          }
        });
  }

  private int readdir(long path, long buffer, long fillerAddress, long cookie, long info) {
    return Answer.to(
        "readdir",
        request -> {
          OpenFile directory = files.get(FileInfo.handle(info));
          NativeFunction fill = filler(fillerAddress);
          EntryBuffer entry = buffers.get();
          long stat = entry.statPointer.address();
          operations.readdir(
              request,
              directory.node(),
              directory.handle(),
              cookie,
              false,
              (name, ino, type, nextCookie, attributes) -> {
                entry.name.clear().put(name).put((byte) 0);
                AttributesBuffer.putEntry(entry.stat, ino, type);
                return fill.call(buffer, entry.nameAddress, stat, nextCookie) == 0;
              });
          return 0;
        });
  }

  private NativeFunction filler(long address) {
    NativeFunction known = filler;
    if (known == null || known.address() != address) {
      known = NativeFunction.ofFour(address);
      filler = known;
    }
    return known;
  }

  private int releasedir(long path, long info) {
    return Answer.to(
        "releasedir",
        request -> {
          OpenFile directory = files.remove(FileInfo.handle(info));
          if (directory != null) {
            operations.releasedir(request, directory.node(), directory.handle());
            if (directory.counted()) {
              operations.forget(directory.node(), 1);
            }
          }
          return 0;
        });
  }

  private int fsyncdir(long path, int dataOnly, long info) {
    return Answer.to(
        "fsyncdir",
        request -> {
          OpenFile directory = files.get(FileInfo.handle(info));
          operations.fsyncdir(request, directory.node(), directory.handle(), dataOnly != 0);
          return 0;
        });
  }
}
