package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.rocks.RocksOptions;
import io.mapfs.core.rocks.RocksStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** The real disk: system calls, and RocksDB without a log of its own. */
final class PosixFiles implements LocalFiles {
  /** Heap buffers are copied through pieces of this many bytes. */
  private static final int COPY_BYTES = 128 << 10;

  private static final ThreadLocal<ByteBuffer> COPY =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(COPY_BYTES));

  private static final long BLOCK_CACHE_BYTES = 16L << 20;
  private static final long MEMTABLE_BYTES = 8L << 20;
  private static final int BLOOM_BITS = 10;

  @Override
  public LocalFile create(Path file) throws FsException {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_TRUNC;
    return new PosixFile(Posix.open(file.toString(), flags, 0600));
  }

  @Override
  public LocalFile open(Path file) throws FsException {
    return new PosixFile(Posix.open(file.toString(), OpenFlags.O_RDWR, 0));
  }

  @Override
  public void syncDirectory(Path directory) throws FsException {
    try (Descriptor opened = Posix.open(directory.toString(), OpenFlags.O_DIRECTORY, 0)) {
      Posix.fsync(opened.number());
    }
  }

  @Override
  public KeyValueStore openIndex(Path directory) throws IOException {
    RocksOptions options =
        new RocksOptions(
            OverlayIndex.TABLES,
            /* log= */ false,
            /* strictLog= */ false,
            BLOCK_CACHE_BYTES,
            MEMTABLE_BYTES,
            BLOOM_BITS);
    return RocksStore.open(directory, options);
  }

  private record PosixFile(Descriptor descriptor) implements LocalFile {
    @Override
    public void write(ByteBuffer source, long position) throws FsException {
      if (source.isDirect()) {
        Posix.pwriteFully(descriptor.number(), source, position);
        return;
      }
      ByteBuffer copy = COPY.get();
      long at = position;
      while (source.hasRemaining()) {
        int length = Math.min(COPY_BYTES, source.remaining());
        copy.clear().put(source.slice(source.position(), length)).flip();
        Posix.pwriteFully(descriptor.number(), copy, at);
        source.position(source.position() + length);
        at += length;
      }
    }

    @Override
    public int read(ByteBuffer target, long position) throws FsException {
      if (target.isDirect()) {
        return Posix.pread(descriptor.number(), target, position);
      }
      ByteBuffer copy = COPY.get().clear();
      copy.limit(Math.min(COPY_BYTES, target.remaining()));
      int count = Posix.pread(descriptor.number(), copy, position);
      target.put(copy.flip());
      return count;
    }

    @Override
    public void sync() throws FsException {
      Posix.fdatasync(descriptor.number());
    }

    @Override
    public void truncate(long sizeBytes) throws FsException {
      Posix.truncate(descriptor.number(), sizeBytes);
    }

    @Override
    public long sizeBytes() throws FsException {
      return Posix.status(descriptor.number()).sizeBytes();
    }

    @Override
    public void close() {
      descriptor.close();
    }
  }
}
