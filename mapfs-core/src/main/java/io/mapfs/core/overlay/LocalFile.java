package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import java.nio.ByteBuffer;

/** One open file of the local copy. Safe for concurrent use; failures are ENOSPC, EIO and such. */
interface LocalFile extends AutoCloseable {
  /** Writes all that remains of the buffer. */
  void write(ByteBuffer source, long position) throws FsException;

  /**
   * Reads some bytes into the buffer, as many as it takes where the file has them; -1 at its end.
   */
  int read(ByteBuffer target, long position) throws FsException;

  /**
   * Brings what was written to disk. After a failure the kernel may have dropped what it could not
   * write, and may say "done" the next time: who calls must not believe a second call.
   */
  void sync() throws FsException;

  void truncate(long sizeBytes) throws FsException;

  long sizeBytes() throws FsException;

  @Override
  void close();
}
