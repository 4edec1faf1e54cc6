package io.mapfs.core.posix;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads an open directory's entries with getdents64, from the descriptor's offset on; dot and
 * dot-dot are left out. The descriptor stays the caller's. One thread at a time.
 *
 * <p>Each entry is a {@code struct linux_dirent64}, the same on every architecture: u64 inode, s64
 * offset, u16 record length, u8 type, name ending in NUL.
 */
public final class DirectoryReader {
  private static final int BUFFER_BYTES = 32768;
  private static final int NAME_OFFSET = 19;

  private final int descriptor;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.nativeOrder()).limit(0);
  private long ino;
  private int typeCode;
  private Name name;

  /** A reader of the directory that is open at {@code descriptor}. */
  public DirectoryReader(int descriptor) {
    this.descriptor = descriptor;
  }

  /** Moves to the next entry; false at the end. */
  public boolean next() throws FsException {
    while (true) {
      if (!buffer.hasRemaining()) {
        buffer.clear();
        int got = Posix.readDirectory(descriptor, buffer);
        buffer.position(0).limit(got);
        if (got == 0) {
          return false;
        }
      }
      int at = buffer.position();
      int end = at + (buffer.getShort(at + 16) & 0xffff);
      int length = 0;
      while (buffer.get(at + NAME_OFFSET + length) != 0) {
        length++;
      }
      ino = buffer.getLong(at);
      typeCode = buffer.get(at + 18);
      name = Name.take(buffer.position(at + NAME_OFFSET), length);
      buffer.position(end);
      if (name.isValidEntry()) {
        return true;
      }
    }
  }

  /** The current entry's name. */
  public Name name() {
    return name;
  }

  /** The current entry's inode number. */
  public long ino() {
    return ino;
  }

  /** The current entry's type; {@code null} where the filesystem does not say. */
  public FileType type() {
    return FileType.ofCode(typeCode);
  }
}
