package io.mapfs.core.tree;

import java.util.ArrayList;
import java.util.List;

/** Bytes that grow at the end and are read anywhere, in chunks: no copying, no 2 GiB array. */
final class ByteArena {
  /** Small enough that the garbage collector's regions hold several. */
  private static final int CHUNK_SHIFT = 18;

  private static final int CHUNK_BYTES = 1 << CHUNK_SHIFT;

  private final List<byte[]> chunks = new ArrayList<>();
  private long size;

  long size() {
    return size;
  }

  /** Appends and returns where the bytes begin. */
  long append(byte[] source, int offset, int length) {
    long start = size;
    int done = 0;
    while (done < length) {
      int at = (int) (size & (CHUNK_BYTES - 1));
      if (at == 0) {
        chunks.add(new byte[CHUNK_BYTES]);
      }
      int part = Math.min(length - done, CHUNK_BYTES - at);
      System.arraycopy(source, offset + done, chunks.get(chunks.size() - 1), at, part);
      done += part;
      size += part;
    }
    return start;
  }

  int get(long at) {
    return chunks.get((int) (at >>> CHUNK_SHIFT))[(int) (at & (CHUNK_BYTES - 1))] & 0xff;
  }

  void get(long at, byte[] target, int offset, int length) {
    int done = 0;
    while (done < length) {
      int inChunk = (int) ((at + done) & (CHUNK_BYTES - 1));
      int part = Math.min(length - done, CHUNK_BYTES - inChunk);
      System.arraycopy(
          chunks.get((int) ((at + done) >>> CHUNK_SHIFT)), inChunk, target, offset + done, part);
      done += part;
    }
  }
}
