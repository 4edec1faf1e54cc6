package io.mapfs.core.wire;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;

/**
 * Everything that is sent. Requests and their replies are paired by the frame's request id; a reply
 * to any request may be {@link Failure}. Buffers inside a received message belong to its receiver.
 */
public sealed interface Message {

  // ---- both ways ----

  /** A refused request. */
  record Failure(FailureCode code, String message) implements Message {}

  /** A request carried out that has nothing to tell. */
  record Done() implements Message {}

  /** Answered by {@link Done}; tells a live connection from a half-open one. */
  record Ping() implements Message {}

  /** The sender no longer wants the answer to this request of its own. Not answered. */
  record Cancel(int requestId) implements Message {}

  // ---- handshake: the first message each way ----

  /**
   * Opens a connection.
   *
   * @param lowestVersion lowest protocol version that the client speaks
   * @param highestVersion highest one
   * @param features bits that the client understands; {@link Welcome} answers with those in force
   * @param node the node's name; empty for an administrator's command
   * @param software release of the client, for people
   */
  record Hello(int lowestVersion, int highestVersion, long features, String node, String software)
      implements Message {}

  /**
   * Accepts a connection.
   *
   * @param clusterId the appliance's identity, made at init, 32 hexadecimal digits
   * @param term the control plane's term (1 until there is a pair)
   * @param addresses where the appliance's members can be reached, host:port
   */
  record Welcome(
      int version,
      long features,
      String clusterId,
      long term,
      List<String> addresses,
      String software)
      implements Message {}

  // ---- control: documents, for people and scripts ----

  /** A control request: see docs/protocol.md for the methods. Answered by {@link CallResult}. */
  record Call(String method, JsonObject parameters) implements Message {}

  /** How far a call has come; any number of them precede its result. */
  record CallProgress(JsonObject progress) implements Message {}

  record CallResult(JsonObject result) implements Message {}

  // ---- blocks ----

  /** Asks for blocks read through a version or overlay. At most {@link Limits#MAX_IDS}. */
  record GetBlocks(ReadScope scope, List<BlockId> ids) implements Message {}

  /** The blocks in the order asked. A missing or unreadable one fails the whole request. */
  record Blocks(List<StoredBlock> blocks) implements Message {}

  /** Asks which blocks need no upload. Answered for what the asker may read only. */
  record HaveBlocks(ReadScope scope, List<BlockId> ids) implements Message {}

  /** Bit i: the appliance has the i-th block and keeps it for this connection's lifetime. */
  record Have(BitSet present) implements Message {}

  /** Uploads blocks; {@link Done} says that they are stored, not yet that they are durable. */
  record PutBlocks(List<StoredBlock> blocks) implements Message {}

  // ---- trees ----

  /** Asks for bytes of a version's tree index file. */
  record GetTree(String master, int version, long offsetBytes, int lengthBytes)
      implements Message {}

  record TreeChunk(long totalBytes, ByteBuffer data) implements Message {}

  /** Uploads bytes of the tree index file of an import that this connection began. In order. */
  record PutTree(String importId, long offsetBytes, ByteBuffer data) implements Message {}

  // ---- overlays ----

  /**
   * Asks for the lease of a node's overlay and where it stands.
   *
   * @param host what the machine calls itself, for messages
   * @param force take it although another live connection holds it
   */
  record OpenOverlay(String node, String host, boolean force) implements Message {}

  /**
   * Grants the lease under a new epoch, durable before it is sent.
   *
   * @param epoch the new epoch
   * @param sequence last record at the appliance; 0 for none
   * @param hash that record's hash; zeros for none
   * @param headEpoch epoch under which the head last changed by other means than the node's records
   *     (rollback, update): a local copy of an older epoch is to be fetched anew
   * @param master what the overlay stands on
   * @param version the version that it stands on
   * @param quotaBytes most bytes of own content; 0 for unlimited
   * @param cacheBytes size of the node's block cache; 0 for the node's own default
   * @param nextIno lowest inode number of the overlay's range that was never used, rolled-back
   *     files included; at least {@code NodeId.FIRST_OVERLAY_INO}
   * @param nextCookie lowest directory cookie that was never used; at least 1
   */
  record OverlayOpened(
      long epoch,
      long sequence,
      byte[] hash,
      long headEpoch,
      String master,
      int version,
      long quotaBytes,
      long cacheBytes,
      long nextIno,
      long nextCookie)
      implements Message {}

  /**
   * Takes up a lease again that this node was granted under {@code epoch}, on a new connection
   * after the old one broke. Answered by {@link OverlayPosition}; refused with STALE_EPOCH if the
   * lease has changed hands since.
   */
  record ResumeOverlay(String node, long epoch) implements Message {}

  /**
   * Asks where the overlay stands, without taking the lease. Answered by {@link OverlayPosition}.
   */
  record GetPosition(String node) implements Message {}

  /**
   * The epoch in force, the last record's sequence and hash, and {@link OverlayOpened#headEpoch}.
   */
  record OverlayPosition(long epoch, long sequence, byte[] hash, long headEpoch)
      implements Message {}

  /**
   * Asks for the head's rows: {@link Change.PutInode}, {@link Change.PutXattrs}, {@link
   * Change.PutBlock}, {@link Change.PutDentry} and {@link Change.PutWhiteout}.
   *
   * @param cursor empty at first, then as the last answer gave it
   */
  record GetHead(String node, byte[] cursor) implements Message {}

  /**
   * Rows of the head at one sequence; an empty cursor ends them. Where {@link
   * Protocol#FEATURE_OWN_PAGES} is not in force, every block is told as the overlay's own as a
   * whole.
   */
  record HeadRows(long sequence, List<Change> rows, byte[] nextCursor) implements Message {}

  /**
   * Appends a sealed record. Answered by {@link Appended} when it is durable.
   *
   * @param pages the bytes of its written pages, in the record's order
   */
  record Append(JournalRecord record, List<ByteBuffer> pages) implements Message {}

  record Appended(long sequence) implements Message {}

  /** Gives the lease back after the last record was acknowledged. */
  record CloseOverlay(String node, long epoch) implements Message {}

  /**
   * Asks how far the appliance accepted records of an epoch that is over, or of a branch of the one
   * in force that it refuses. Answered by {@link TailOpened}. Only where {@link
   * Protocol#FEATURE_TAILS} is in force.
   */
  record OpenTail(String node, long epoch) implements Message {}

  /** The last record of that epoch that was accepted, or a lower one. */
  record TailOpened(long sequence) implements Message {}

  /**
   * A record that came too late to be appended, for the appliance to keep aside. Answered by {@link
   * Appended} when it is durable.
   *
   * @param pages as in {@link Append}
   */
  record AppendTail(JournalRecord record, List<ByteBuffer> pages) implements Message {}

  // ---- appliance to node ----

  /** Asks a mounted node to hand over everything up to now. Answered by {@link Appended}. */
  record Barrier(String node) implements Message {}

  /**
   * Tells a node that its lease is gone; it must acknowledge nothing more. Answered by {@link
   * Done}.
   */
  record Fence(String node, long epoch, String reason) implements Message {}

  /**
   * Tells a node that what its lease grants is another amount now, where {@link
   * Protocol#FEATURE_QUOTA} is in force. Answered by {@link Done}.
   *
   * @param quotaBytes most bytes of own content; 0 for unlimited
   */
  record ChangeQuota(String node, long quotaBytes) implements Message {}
}
