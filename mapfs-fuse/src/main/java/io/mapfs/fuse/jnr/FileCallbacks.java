package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.Opened;
import io.mapfs.fuse.jnr.Callbacks.LIL;
import io.mapfs.fuse.jnr.Callbacks.LILLL;
import io.mapfs.fuse.jnr.Callbacks.LL;
import io.mapfs.fuse.jnr.Callbacks.LLLLL;
import io.mapfs.fuse.jnr.OpenFiles.OpenFile;
import io.mapfs.fuse.jnr.Paths.Entry;
import io.mapfs.fuse.jnr.Paths.Found;

/** Callbacks on open regular files. Their paths are not given (flag_nopath), but for open. */
final class FileCallbacks {
  private static final int PERMISSIONS_MASK = 07777;

  private final FileSystemOperations operations;
  private final Paths paths;
  private final HiddenFiles hidden;
  private final OpenFiles files;
  private final LinkedFiles linked;

  FileCallbacks(
      FileSystemOperations operations,
      Paths paths,
      HiddenFiles hidden,
      OpenFiles files,
      LinkedFiles linked) {
    this.operations = operations;
    this.paths = paths;
    this.hidden = hidden;
    this.files = files;
    this.linked = linked;
  }

  void register(OperationsTable table) {
    table.set(table.open, LL.class, this::open);
    table.set(table.create, LIL.class, this::create);
    table.set(table.read, LLLLL.class, this::read);
    table.set(table.write, LLLLL.class, this::write);
    table.set(table.release, LL.class, this::release);
    table.set(table.fsync, LIL.class, this::fsync);
    table.set(table.fallocate, LILLL.class, this::fallocate);
  }

  private int open(long path, long info) {
    return Answer.to(
        "open",
        request -> {
          try (Found file = paths.find(request, path)) {
            Attributes attributes = file.attributes();
            if (attributes == null) {
              attributes = operations.getattr(request, file.node());
            }
            long handle = operations.open(request, file.node(), FileInfo.flags(info));
            if (linked.mayKeepCache(attributes)) {
              FileInfo.setKeepCache(info);
            }
            FileInfo.setHandle(info, files.add(file.node(), handle, file.take()));
            return 0;
          }
        });
  }

  private int create(long path, int mode, long info) {
    return Answer.to(
        "create",
        request -> {
          try (Entry entry = paths.findParent(request, path)) {
            Opened opened =
                operations.create(
                    request,
                    entry.parent(),
                    entry.name(),
                    mode & PERMISSIONS_MASK,
                    FileInfo.flags(info));
            FileInfo.setHandle(info, files.add(opened.attributes().node(), opened.handle(), true));
            return 0;
          }
        });
  }

  private int read(long path, long buffer, long bufferBytes, long offsetBytes, long info) {
    return Answer.to(
        "read",
        request -> {
          OpenFile file = files.get(FileInfo.handle(info));
          return operations.read(
              request,
              file.node(),
              file.handle(),
              offsetBytes,
              NativeMemory.buffer(buffer, bufferBytes));
        });
  }

  private int write(long path, long buffer, long bufferBytes, long offsetBytes, long info) {
    return Answer.to(
        "write",
        request -> {
          OpenFile file = files.get(FileInfo.handle(info));
          return operations.write(
              request,
              file.node(),
              file.handle(),
              offsetBytes,
              NativeMemory.buffer(buffer, bufferBytes),
              false);
        });
  }

  private int release(long path, long info) {
    return Answer.to(
        "release",
        request -> {
          OpenFile file = files.remove(FileInfo.handle(info));
          if (file != null) {
            operations.release(request, file.node(), file.handle());
            if (!files.isOpen(file.node())) {
              hidden.closed(file.node());
            }
            if (file.counted()) {
              operations.forget(file.node(), 1);
            }
          }
          return 0;
        });
  }

  private int fsync(long path, int dataOnly, long info) {
    return Answer.to(
        "fsync",
        request -> {
          OpenFile file = files.get(FileInfo.handle(info));
          operations.fsync(request, file.node(), file.handle(), dataOnly != 0);
          return 0;
        });
  }

  private int fallocate(long path, int mode, long offsetBytes, long lengthBytes, long info) {
    return Answer.to(
        "fallocate",
        request -> {
          OpenFile file = files.get(FileInfo.handle(info));
          operations.fallocate(request, file.node(), file.handle(), mode, offsetBytes, lengthBytes);
          return 0;
        });
  }
}
