package io.mapfs.core.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The blocks that a machine first read after it was mounted, in their order, named by inode number:
 * that is the same in all versions of a master. Nothing but a hint.
 *
 * <p>Encoding, big-endian, at most {@link #ENCODED_BYTES_MAX} bytes:
 *
 * <pre>
 *  0        1         5                                            end-4
 *  +--------+---------+-----+--------------+--------------+---   ---+--------+
 *  | format | runs u32| ino | firstBlock u32 | blockCount u32 | ... | crc32c |
 *  | = 1    |         | u64 |              |              |         |        |
 *  +--------+---------+-----+--------------+--------------+---   ---+--------+
 * </pre>
 *
 * The checksum is of all before it.
 */
public record BootOrder(List<Run> runs) {
  /** Most runs. */
  public static final int RUNS_MAX = 16_384;

  private static final byte FORMAT = 1;
  private static final int HEADER_BYTES = 5;
  private static final int RUN_BYTES = 16;

  /** Most bytes of an encoding. */
  public static final int ENCODED_BYTES_MAX = HEADER_BYTES + RUNS_MAX * RUN_BYTES + Integer.BYTES;

  /** Blocks of a file that were read one after the other. */
  public record Run(long ino, int firstBlock, int blockCount) {}

  public BootOrder {
    runs = List.copyOf(runs);
    if (runs.size() > RUNS_MAX) {
      throw new IllegalArgumentException(runs.size() + " runs");
    }
  }

  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + runs.size() * RUN_BYTES + Integer.BYTES);
    out.put(FORMAT).putInt(runs.size());
    for (Run run : runs) {
      out.putLong(run.ino()).putInt(run.firstBlock()).putInt(run.blockCount());
    }
    return out.putInt(checksum(out.array())).array();
  }

  /**
   * What {@link #encode} made.
   *
   * @throws IOException if it is of another format, or damaged
   */
  public static BootOrder decode(byte[] encoded) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(encoded);
    if (encoded.length < HEADER_BYTES + Integer.BYTES || in.get() != FORMAT) {
      throw new IOException("a boot order of another format");
    }
    int count = in.getInt();
    if (count < 0
        || count > RUNS_MAX
        || encoded.length != HEADER_BYTES + count * RUN_BYTES + Integer.BYTES
        || in.getInt(encoded.length - Integer.BYTES) != checksum(encoded)) {
      throw new IOException("a damaged boot order");
    }
    List<Run> runs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Run run = new Run(in.getLong(), in.getInt(), in.getInt());
      if (run.firstBlock() < 0 || run.blockCount() < 1) {
        throw new IOException("a boot order with a run of no blocks");
      }
      runs.add(run);
    }
    return new BootOrder(runs);
  }

  private static int checksum(byte[] encoded) {
    CRC32C crc = new CRC32C();
    crc.update(encoded, 0, encoded.length - Integer.BYTES);
    return (int) crc.getValue();
  }
}
