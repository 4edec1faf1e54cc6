package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.fuse.jnr.Callbacks.L;
import io.mapfs.fuse.jnr.Callbacks.LI;
import io.mapfs.fuse.jnr.Callbacks.LIL;
import io.mapfs.fuse.jnr.Callbacks.LL;
import io.mapfs.fuse.jnr.Callbacks.LLL;
import io.mapfs.fuse.jnr.Paths.Entry;
import io.mapfs.fuse.jnr.Paths.Found;

/** Callbacks that make, change or read names. */
final class NameCallbacks {
  private static final int PERMISSIONS_MASK = 07777;

  private final FileSystemOperations operations;
  private final Paths paths;
  private final HiddenFiles hidden;
  private final LinkedFiles linked;

  NameCallbacks(
      FileSystemOperations operations, Paths paths, HiddenFiles hidden, LinkedFiles linked) {
    this.operations = operations;
    this.paths = paths;
    this.hidden = hidden;
    this.linked = linked;
  }

  void register(OperationsTable table) {
    table.set(table.readlink, LLL.class, this::readlink);
    table.set(table.mknod, LIL.class, this::mknod);
    table.set(table.mkdir, LI.class, this::mkdir);
    table.set(table.unlink, L.class, this::unlink);
    table.set(table.rmdir, L.class, this::rmdir);
    table.set(table.symlink, LL.class, this::symlink);
    table.set(table.rename, LL.class, this::rename);
    table.set(table.link, LL.class, this::link);
  }

  private int readlink(long path, long buffer, long bufferBytes) {
    return Answer.to(
        "readlink",
        request -> {
          try (Found file = paths.find(request, path)) {
            byte[] target = operations.readlink(request, file.node());
            int length = (int) Math.min(target.length, bufferBytes - 1);
            NativeMemory.put(buffer, target, length);
            NativeMemory.putByte(buffer + length, (byte) 0);
            return 0;
          }
        });
  }

  private int mknod(long path, int mode, long device) {
    return Answer.to(
        "mknod",
        request -> {
          // libfuse looks the new node up by itself, so that the lookup of the reply is taken back.
          try (Entry entry = paths.findParent(request, path)) {
            int rdev = isDevice(mode) ? (int) device : 0;
            return made(operations.mknod(request, entry.parent(), entry.name(), mode, rdev));
          }
        });
  }

  private static boolean isDevice(int mode) {
    FileType type = FileType.ofMode(mode);
    return type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
  }

  private int mkdir(long path, int mode) {
    return Answer.to(
        "mkdir",
        request -> {
          try (Entry entry = paths.findParent(request, path)) {
            int permissions = mode & PERMISSIONS_MASK;
            return made(operations.mkdir(request, entry.parent(), entry.name(), permissions));
          }
        });
  }

  private int symlink(long target, long path) {
    return Answer.to(
        "symlink",
        request -> {
          try (Entry entry = paths.findParent(request, path)) {
            byte[] bytes = NativeMemory.string(target);
            return made(operations.symlink(request, entry.parent(), entry.name(), bytes));
          }
        });
  }

  private int link(long path, long newPath) {
    return Answer.to(
        "link",
        request -> {
          try (Found file = paths.find(request, path);
              Entry entry = paths.findParent(request, newPath)) {
            Attributes attributes =
                operations.link(request, file.node(), entry.parent(), entry.name());
            linked.linked(attributes.ino());
            return made(attributes);
          }
        });
  }

  private int made(Attributes attributes) {
    operations.forget(attributes.node(), 1);
    return 0;
  }

  private int unlink(long path) {
    return Answer.to(
        "unlink",
        request -> {
          byte[] name = Paths.lastName(NativeMemory.string(path));
          if (request.opcode() != Request.UNLINK && HiddenFiles.isHiddenName(name)) {
            // The last close of a hidden file: what its name led to was removed long ago.
            hidden.remove(name);
            return 0;
          }
          try (Entry entry = paths.findParent(request, path)) {
            operations.unlink(request, entry.parent(), entry.name());
            return 0;
          }
        });
  }

  private int rmdir(long path) {
    return Answer.to(
        "rmdir",
        request -> {
          try (Entry entry = paths.findParent(request, path)) {
            operations.rmdir(request, entry.parent(), entry.name());
            return 0;
          }
        });
  }

  private int rename(long path, long newPath) {
    return Answer.to(
        "rename",
        request -> {
          byte[] newName = Paths.lastName(NativeMemory.string(newPath));
          boolean asked = request.opcode() == Request.RENAME && request.isRenamedTo(newName);
          if (!asked && HiddenFiles.isHiddenName(newName)) {
            return hide(request, path, newName);
          }
          try (Entry from = paths.findParent(request, path);
              Entry to = paths.findParent(request, newPath)) {
            operations.rename(request, from.parent(), from.name(), to.parent(), to.name(), 0);
            return 0;
          }
        });
  }

  /**
   * libfuse hides an open file that is about to be removed, or replaced by a rename. The first is
   * done here; the second is left to the rename that follows, which replaces it as one change.
   */
  private int hide(Request request, long path, byte[] hiddenName) throws FsException {
    try (Entry entry = paths.findParent(request, path)) {
      Name name = entry.name();
      Attributes file = operations.lookup(request, entry.parent(), name);
      if (file == null) {
        throw new FsException(Errno.ENOENT, "file to be hidden");
      }
      boolean done = false;
      try {
        if (request.opcode() == Request.UNLINK) {
          operations.unlink(request, entry.parent(), name);
        }
        hidden.hide(hiddenName, file.node());
        done = true;
      } finally {
        if (!done) {
          operations.forget(file.node(), 1);
        }
      }
      return 0;
    }
  }
}
