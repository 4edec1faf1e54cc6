package io.mapfs.core.block;

/**
 * Layout of a pack file, version 1. Big-endian; nothing is aligned.
 *
 * <pre>
 *  0 +---------------------+     file header                 footer, when sealed
 *    | file header (16)    |       0  magic "MPPK"             0  magic "MPFT"
 *    +---------------------+       4  format version (2)       4  number of blocks (4)
 *    | block header (56)   |       6  hash algorithm (1)       8  per block, by id:
 *    | payload             |       7  zero (1)                       id (32)
 *    +---------------------+       8  pack number (4)                offset (4)
 *    | block header (56)   |      12  CRC32C of 0..11 (4)            rawBytes (4)
 *    | payload             |                                         storedBytes (4)
 *    +---------------------+     block                           footer's offset (4)
 *    | …                   |       0  magic "MPBK"               CRC32C of all before (4)
 *    +---------------------+       4  codec (1)                  magic "MPEN"
 *    | footer, when sealed |       5  zeros (3)
 *    +---------------------+       8  dictionary id (4), 0
 *                                 12  rawBytes (4)
 *                                 16  storedBytes (4)
 *                                 20  id (32)
 *                                 52  CRC32C of 0..51 and payload (4)
 *                                 56  payload
 * </pre>
 */
final class PackFormat {
  static final int VERSION = 1;

  static final int FILE_MAGIC = 0x4d50504b;
  static final int FILE_HEADER_BYTES = 16;

  static final int BLOCK_MAGIC = 0x4d50424b;
  static final int BLOCK_HEADER_BYTES = 56;
  static final int BLOCK_CHECKED_BYTES = 52;

  static final int FOOTER_MAGIC = 0x4d504654;
  static final int FOOTER_END_MAGIC = 0x4d50454e;
  static final int FOOTER_HEAD_BYTES = 8;
  static final int FOOTER_ENTRY_BYTES = BlockId.BYTES + 12;
  static final int FOOTER_TAIL_BYTES = 12;

  /** A pack is sealed when it has this many bytes. */
  static final int SEAL_BYTES = 256 << 20;

  /** … or this many blocks, whose ids are held in memory until then. */
  static final int SEAL_BLOCKS = 1 << 17;

  /** No pack is longer: a sealed one's blocks, one more, and the footer of the smallest blocks. */
  static final long PACK_BYTES_MAX = 1L << 30;

  private PackFormat() {}
}
