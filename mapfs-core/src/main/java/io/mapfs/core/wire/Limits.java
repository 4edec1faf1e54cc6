package io.mapfs.core.wire;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.journal.RecordLimits;

/** Bounds that both ends check before they allocate. */
public final class Limits {
  /** Most bytes of one frame's payload: one record with 8 MiB of pages, and its changes. */
  public static final int MAX_FRAME_BYTES = 16 << 20;

  /** Most ids in a GetBlocks or HaveBlocks. */
  public static final int MAX_IDS = 1024;

  /** Most content bytes asked for in one GetBlocks; the asker keeps to it. */
  public static final int MAX_GET_BYTES = 4 << 20;

  /** Most page bytes in one record. */
  public static final int MAX_RECORD_PAGE_BYTES = RecordLimits.MAX_PAGE_BYTES;

  /** Most changes in one record. */
  public static final int MAX_RECORD_CHANGES = RecordLimits.MAX_CHANGES;

  /** Most encoded bytes of one record, its pages left out. */
  public static final int MAX_RECORD_BYTES = RecordLimits.MAX_RECORD_BYTES;

  /** Most bytes of one tree chunk. */
  public static final int MAX_TREE_CHUNK_BYTES = 1 << 20;

  /** Most bytes of a master's, node's, snapshot's name. */
  public static final int MAX_NAME_BYTES = 63;

  /** Most bytes of a host's name, a method's, a release's, an import's id. */
  public static final int MAX_TEXT_BYTES = 255;

  /** Most bytes of a line for people; a longer one is cut. */
  public static final int MAX_MESSAGE_BYTES = 8192;

  /** Most bytes of a call's parameters. */
  public static final int MAX_CALL_BYTES = 1 << 20;

  /** Most bytes of a cursor into a head's rows. */
  public static final int MAX_CURSOR_BYTES = 1024;

  /** Most addresses of an appliance's members. */
  public static final int MAX_ADDRESSES = 16;

  /** Most bytes of a block as stored: what does not get smaller is stored raw. */
  public static final int MAX_BLOCK_PAYLOAD_BYTES = BlockId.BLOCK_BYTES;

  /** Most payload bytes of a frame before hands are shaken. */
  public static final int MAX_HANDSHAKE_BYTES = 1024;

  /** Most payload bytes of a frame of a client that has yet to get a certificate. */
  public static final int MAX_JOIN_BYTES = 8192;

  private Limits() {}
}
