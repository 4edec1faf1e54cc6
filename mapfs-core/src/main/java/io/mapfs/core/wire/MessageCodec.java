package io.mapfs.core.wire;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * The binary form of every message's payload, byte by byte in docs/protocol.md.
 *
 * <p>Decoding bounds every length and count before it allocates, refuses what is cut short or too
 * long, and gives views of the payload for large buffers: whoever owns the payload gives it to the
 * message.
 */
public final class MessageCodec {
  private static final int HASH_BYTES = JournalRecord.HASH_BYTES;

  private static final int SCOPE_VERSION = 1;
  private static final int SCOPE_OVERLAY = 2;

  /** Id, codec, raw length, payload length. */
  private static final int BLOCK_HEAD_BYTES = BlockId.BYTES + 1 + 4 + 4;

  private MessageCodec() {}

  /** Writes the payload; returns the type's number. */
  static int encode(Message message, MessageWriter out) {
    MessageType type = MessageType.of(message);
    switch (type) {
      case FAILURE -> {
        Message.Failure failure = (Message.Failure) message;
        out.u16(failure.code().number())
            .string(cut(failure.message(), Limits.MAX_MESSAGE_BYTES), Limits.MAX_MESSAGE_BYTES);
      }
      case DONE, PING -> {}
      case CANCEL -> out.u32(((Message.Cancel) message).requestId());
      case HELLO -> {
        Message.Hello hello = (Message.Hello) message;
        out.raw(Protocol.MAGIC)
            .u16(hello.lowestVersion())
            .u16(hello.highestVersion())
            .u64(hello.features())
            .string(hello.node(), Limits.MAX_NAME_BYTES)
            .string(cut(hello.software(), Limits.MAX_TEXT_BYTES), Limits.MAX_TEXT_BYTES);
      }
      case WELCOME -> encodeWelcome((Message.Welcome) message, out);
      case CALL -> {
        Message.Call call = (Message.Call) message;
        byte[] parameters = JsonText.encode(call.parameters());
        if (parameters.length > Limits.MAX_CALL_BYTES) {
          throw new IllegalArgumentException(
              "parameters of " + parameters.length + " bytes do not fit in a call");
        }
        out.string(call.method(), Limits.MAX_TEXT_BYTES).payload(ByteBuffer.wrap(parameters));
      }
      case CALL_PROGRESS ->
          out.payload(
              ByteBuffer.wrap(JsonText.encode(((Message.CallProgress) message).progress())));
      case CALL_RESULT ->
          out.payload(ByteBuffer.wrap(JsonText.encode(((Message.CallResult) message).result())));
      case GET_BLOCKS -> {
        Message.GetBlocks get = (Message.GetBlocks) message;
        encodeScope(get.scope(), out);
        encodeIds(get.ids(), out);
      }
      case BLOCKS -> encodeBlocks(((Message.Blocks) message).blocks(), out);
      case HAVE_BLOCKS -> {
        Message.HaveBlocks have = (Message.HaveBlocks) message;
        encodeScope(have.scope(), out);
        encodeIds(have.ids(), out);
      }
      case HAVE -> out.bytes(((Message.Have) message).present().toByteArray());
      case PUT_BLOCKS -> encodeBlocks(((Message.PutBlocks) message).blocks(), out);
      case GET_TREE -> {
        Message.GetTree get = (Message.GetTree) message;
        out.string(get.master(), Limits.MAX_NAME_BYTES)
            .u32(get.version())
            .u64(get.offsetBytes())
            .u32(get.lengthBytes());
      }
      case TREE_CHUNK -> {
        Message.TreeChunk chunk = (Message.TreeChunk) message;
        out.u64(chunk.totalBytes()).u32(chunk.data().remaining()).payload(chunk.data());
      }
      case PUT_TREE -> {
        Message.PutTree put = (Message.PutTree) message;
        out.string(put.importId(), Limits.MAX_TEXT_BYTES)
            .u64(put.offsetBytes())
            .u32(put.data().remaining())
            .payload(put.data());
      }
      case OPEN_OVERLAY -> {
        Message.OpenOverlay open = (Message.OpenOverlay) message;
        out.string(open.node(), Limits.MAX_NAME_BYTES)
            .string(cut(open.host(), Limits.MAX_TEXT_BYTES), Limits.MAX_TEXT_BYTES)
            .u8(open.force() ? 1 : 0);
      }
      case OVERLAY_OPENED -> {
        Message.OverlayOpened opened = (Message.OverlayOpened) message;
        out.u64(opened.epoch()).u64(opened.sequence());
        encodeHash(opened.hash(), out);
        out.u64(opened.headEpoch())
            .string(opened.master(), Limits.MAX_NAME_BYTES)
            .u32(opened.version())
            .u64(opened.quotaBytes())
            .u64(opened.cacheBytes())
            .u64(opened.nextIno())
            .u64(opened.nextCookie());
      }
      case GET_POSITION ->
          out.string(((Message.GetPosition) message).node(), Limits.MAX_NAME_BYTES);
      case OVERLAY_POSITION -> {
        Message.OverlayPosition position = (Message.OverlayPosition) message;
        out.u64(position.epoch()).u64(position.sequence());
        encodeHash(position.hash(), out);
        out.u64(position.headEpoch());
      }
      case GET_HEAD -> {
        Message.GetHead get = (Message.GetHead) message;
        out.string(get.node(), Limits.MAX_NAME_BYTES);
        encodeCursor(get.cursor(), out);
      }
      case HEAD_ROWS -> {
        Message.HeadRows rows = (Message.HeadRows) message;
        out.u64(rows.sequence());
        encodeCursor(rows.nextCursor(), out);
        ByteBuffer changes = ByteBuffer.allocate(RecordCodec.encodedBytes(rows.rows()));
        RecordCodec.encodeChanges(rows.rows(), changes);
        out.payload(changes.flip());
      }
      case APPEND -> {
        Message.Append append = (Message.Append) message;
        encodeRecord(append.record(), append.pages(), out);
      }
      case APPENDED -> out.u64(((Message.Appended) message).sequence());
      case CLOSE_OVERLAY -> {
        Message.CloseOverlay close = (Message.CloseOverlay) message;
        out.string(close.node(), Limits.MAX_NAME_BYTES).u64(close.epoch());
      }
      case RESUME_OVERLAY -> {
        Message.ResumeOverlay resume = (Message.ResumeOverlay) message;
        out.string(resume.node(), Limits.MAX_NAME_BYTES).u64(resume.epoch());
      }
      case OPEN_TAIL -> {
        Message.OpenTail open = (Message.OpenTail) message;
        out.string(open.node(), Limits.MAX_NAME_BYTES).u64(open.epoch());
      }
      case TAIL_OPENED -> out.u64(((Message.TailOpened) message).sequence());
      case APPEND_TAIL -> {
        Message.AppendTail append = (Message.AppendTail) message;
        encodeRecord(append.record(), append.pages(), out);
      }
      case BARRIER -> out.string(((Message.Barrier) message).node(), Limits.MAX_NAME_BYTES);
      case FENCE -> {
        Message.Fence fence = (Message.Fence) message;
        out.string(fence.node(), Limits.MAX_NAME_BYTES)
            .u64(fence.epoch())
            .string(cut(fence.reason(), Limits.MAX_MESSAGE_BYTES), Limits.MAX_MESSAGE_BYTES);
      }
      case CHANGE_QUOTA -> {
        Message.ChangeQuota change = (Message.ChangeQuota) message;
        out.string(change.node(), Limits.MAX_NAME_BYTES).u64(change.quotaBytes());
      }
    }
    return type.number();
  }

  /**
   * Reads a payload.
   *
   * @param payload from position to limit, the message's from now on; not moved
   * @throws MalformedMessageException if it is none of this type
   * @throws UnknownMessageException if this release does not know the type
   */
  public static Message decode(FrameHeader header, ByteBuffer payload)
      throws MalformedMessageException, UnknownMessageException {
    MessageType type = MessageType.of(header.type());
    if (type == null) {
      throw new UnknownMessageException(header.type());
    }
    MessageReader in = new MessageReader(payload);
    try {
      Message message = decode(type, in);
      in.end();
      return message;
    } catch (MalformedRecordException | IllegalArgumentException e) {
      throw new MalformedMessageException("malformed " + type + ": " + e.getMessage(), e);
    }
  }

  private static Message decode(MessageType type, MessageReader in)
      throws MalformedMessageException, MalformedRecordException {
    return switch (type) {
      case FAILURE ->
          new Message.Failure(FailureCode.of(in.u16()), in.string(Limits.MAX_MESSAGE_BYTES));
      case DONE -> new Message.Done();
      case PING -> new Message.Ping();
      case CANCEL -> new Message.Cancel(in.i32());
      case HELLO -> decodeHello(in);
      case WELCOME -> decodeWelcome(in);
      case CALL -> {
        String method = in.string(Limits.MAX_TEXT_BYTES);
        if (in.remaining() > Limits.MAX_CALL_BYTES) {
          throw new MalformedMessageException("a call's parameters are too long");
        }
        yield new Message.Call(method, JsonText.decode(in.payload(in.remaining())));
      }
      case CALL_PROGRESS -> new Message.CallProgress(JsonText.decode(in.payload(in.remaining())));
      case CALL_RESULT -> new Message.CallResult(JsonText.decode(in.payload(in.remaining())));
      case GET_BLOCKS -> new Message.GetBlocks(decodeScope(in), decodeIds(in));
      case BLOCKS -> new Message.Blocks(decodeBlocks(in));
      case HAVE_BLOCKS -> new Message.HaveBlocks(decodeScope(in), decodeIds(in));
      case HAVE -> new Message.Have(BitSet.valueOf(in.bytes(Limits.MAX_IDS / Byte.SIZE)));
      case PUT_BLOCKS -> new Message.PutBlocks(decodeBlocks(in));
      case GET_TREE ->
          new Message.GetTree(
              in.string(Limits.MAX_NAME_BYTES),
              in.i32(),
              in.size(),
              in.count(Limits.MAX_TREE_CHUNK_BYTES));
      case TREE_CHUNK ->
          new Message.TreeChunk(in.size(), in.payload(in.count(Limits.MAX_TREE_CHUNK_BYTES, 1)));
      case PUT_TREE ->
          new Message.PutTree(
              in.string(Limits.MAX_TEXT_BYTES),
              in.size(),
              in.payload(in.count(Limits.MAX_TREE_CHUNK_BYTES, 1)));
      case OPEN_OVERLAY ->
          new Message.OpenOverlay(
              in.string(Limits.MAX_NAME_BYTES), in.string(Limits.MAX_TEXT_BYTES), in.flag());
      case OVERLAY_OPENED ->
          new Message.OverlayOpened(
              in.size(),
              in.size(),
              in.raw(HASH_BYTES),
              in.size(),
              in.string(Limits.MAX_NAME_BYTES),
              in.i32(),
              in.size(),
              in.size(),
              in.size(),
              in.size());
      case GET_POSITION -> new Message.GetPosition(in.string(Limits.MAX_NAME_BYTES));
      case OVERLAY_POSITION ->
          new Message.OverlayPosition(in.size(), in.size(), in.raw(HASH_BYTES), in.size());
      case GET_HEAD ->
          new Message.GetHead(in.string(Limits.MAX_NAME_BYTES), in.bytes(Limits.MAX_CURSOR_BYTES));
      case HEAD_ROWS -> {
        long sequence = in.size();
        byte[] cursor = in.bytes(Limits.MAX_CURSOR_BYTES);
        ByteBuffer rows = in.rest();
        List<Change> changes = RecordCodec.decodeChanges(rows);
        yield new Message.HeadRows(sequence, changes, cursor);
      }
      case APPEND -> {
        JournalRecord record = RecordCodec.decode(in.rest());
        yield new Message.Append(record, decodePages(record.changes(), in));
      }
      case APPENDED -> new Message.Appended(in.size());
      case CLOSE_OVERLAY -> new Message.CloseOverlay(in.string(Limits.MAX_NAME_BYTES), in.size());
      case RESUME_OVERLAY -> new Message.ResumeOverlay(in.string(Limits.MAX_NAME_BYTES), in.size());
      case OPEN_TAIL -> new Message.OpenTail(in.string(Limits.MAX_NAME_BYTES), in.size());
      case TAIL_OPENED -> new Message.TailOpened(in.size());
      case APPEND_TAIL -> {
        JournalRecord record = RecordCodec.decode(in.rest());
        yield new Message.AppendTail(record, decodePages(record.changes(), in));
      }
      case BARRIER -> new Message.Barrier(in.string(Limits.MAX_NAME_BYTES));
      case FENCE ->
          new Message.Fence(
              in.string(Limits.MAX_NAME_BYTES), in.size(), in.string(Limits.MAX_MESSAGE_BYTES));
      case CHANGE_QUOTA -> new Message.ChangeQuota(in.string(Limits.MAX_NAME_BYTES), in.size());
    };
  }

  // ---- handshake ----

  private static Message.Hello decodeHello(MessageReader in) throws MalformedMessageException {
    for (byte expected : Protocol.MAGIC) {
      if ((byte) in.u8() != expected) {
        throw new MalformedMessageException("not a client of the MapFS protocol");
      }
    }
    return new Message.Hello(
        in.u16(),
        in.u16(),
        in.i64(),
        in.string(Limits.MAX_NAME_BYTES),
        in.string(Limits.MAX_TEXT_BYTES));
  }

  private static void encodeWelcome(Message.Welcome welcome, MessageWriter out) {
    out.u16(welcome.version())
        .u64(welcome.features())
        .string(welcome.clusterId(), Limits.MAX_TEXT_BYTES)
        .u64(welcome.term())
        .u16(welcome.addresses().size());
    for (String address : welcome.addresses()) {
      out.string(address, Limits.MAX_TEXT_BYTES);
    }
    out.string(cut(welcome.software(), Limits.MAX_TEXT_BYTES), Limits.MAX_TEXT_BYTES);
  }

  private static Message.Welcome decodeWelcome(MessageReader in) throws MalformedMessageException {
    int version = in.u16();
    long features = in.i64();
    String clusterId = in.string(Limits.MAX_TEXT_BYTES);
    long term = in.size();
    int count = in.u16();
    if (count > Limits.MAX_ADDRESSES) {
      throw new MalformedMessageException("an appliance with " + count + " addresses");
    }
    List<String> addresses = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      addresses.add(in.string(Limits.MAX_TEXT_BYTES));
    }
    return new Message.Welcome(
        version, features, clusterId, term, addresses, in.string(Limits.MAX_TEXT_BYTES));
  }

  // ---- blocks ----

  private static void encodeScope(ReadScope scope, MessageWriter out) {
    if (scope instanceof ReadScope.Version version) {
      out.u8(SCOPE_VERSION).string(version.master(), Limits.MAX_NAME_BYTES).u32(version.version());
    } else if (scope instanceof ReadScope.Overlay overlay) {
      out.u8(SCOPE_OVERLAY).string(overlay.node(), Limits.MAX_NAME_BYTES);
    } else {
      throw new IllegalArgumentException("a scope of an unknown kind: " + scope);
    }
  }

  private static ReadScope decodeScope(MessageReader in) throws MalformedMessageException {
    int kind = in.u8();
    return switch (kind) {
      case SCOPE_VERSION -> new ReadScope.Version(in.string(Limits.MAX_NAME_BYTES), in.i32());
      case SCOPE_OVERLAY -> new ReadScope.Overlay(in.string(Limits.MAX_NAME_BYTES));
      default -> throw new MalformedMessageException("a scope of the unknown kind " + kind);
    };
  }

  private static void encodeIds(List<BlockId> ids, MessageWriter out) {
    if (ids.size() > Limits.MAX_IDS) {
      throw new IllegalArgumentException(ids.size() + " ids in one request");
    }
    out.u32(ids.size());
    for (BlockId id : ids) {
      out.id(id);
    }
  }

  private static List<BlockId> decodeIds(MessageReader in) throws MalformedMessageException {
    int count = in.count(Limits.MAX_IDS, BlockId.BYTES);
    List<BlockId> ids = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      ids.add(in.id());
    }
    return ids;
  }

  /** All heads, then all payloads: the heads are one small buffer, the payloads are not copied. */
  private static void encodeBlocks(List<StoredBlock> blocks, MessageWriter out) {
    if (blocks.size() > Limits.MAX_IDS) {
      throw new IllegalArgumentException(blocks.size() + " blocks in one message");
    }
    out.u32(blocks.size());
    for (StoredBlock block : blocks) {
      out.id(block.id()).u8(block.codec()).u32(block.rawBytes()).u32(block.payload().remaining());
    }
    for (StoredBlock block : blocks) {
      out.payload(block.payload());
    }
  }

  private static List<StoredBlock> decodeBlocks(MessageReader in) throws MalformedMessageException {
    int count = in.count(Limits.MAX_IDS, BLOCK_HEAD_BYTES);
    MessageReader heads = new MessageReader(in.payload(count * BLOCK_HEAD_BYTES));
    List<StoredBlock> blocks = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      BlockId id = heads.id();
      byte codec = (byte) heads.u8();
      int rawBytes = heads.count(BlockId.BLOCK_BYTES);
      int payloadBytes = heads.count(Limits.MAX_BLOCK_PAYLOAD_BYTES);
      blocks.add(new StoredBlock(id, codec, rawBytes, in.payload(payloadBytes)));
    }
    return blocks;
  }

  // ---- overlays ----

  private static void encodeHash(byte[] hash, MessageWriter out) {
    if (hash.length != HASH_BYTES) {
      throw new IllegalArgumentException("a record's hash has 32 bytes, not " + hash.length);
    }
    out.raw(hash);
  }

  private static void encodeCursor(byte[] cursor, MessageWriter out) {
    if (cursor.length > Limits.MAX_CURSOR_BYTES) {
      throw new IllegalArgumentException("a cursor of " + cursor.length + " bytes");
    }
    out.bytes(cursor);
  }

  private static void encodeRecord(
      JournalRecord record, List<ByteBuffer> pages, MessageWriter out) {
    out.payload(ByteBuffer.wrap(RecordCodec.encode(record)));
    for (ByteBuffer page : pages) {
      out.payload(page);
    }
  }

  /** One buffer for each run of written pages. */
  private static List<ByteBuffer> decodePages(List<Change> changes, MessageReader in)
      throws MalformedMessageException {
    List<ByteBuffer> pages = new ArrayList<>();
    for (Change change : changes) {
      if (change instanceof Change.WritePages write) {
        pages.add(in.payload(write.pageCount() * Change.PAGE_BYTES));
      }
    }
    return pages;
  }

  /** The text, or as much of its beginning as fits in {@code mostBytes} of UTF-8. */
  private static String cut(String text, int mostBytes) {
    int bytes = 0;
    for (int i = 0; i < text.length(); ) {
      int point = text.codePointAt(i);
      bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
      if (bytes > mostBytes) {
        return text.substring(0, i);
      }
      i += Character.charCount(point);
    }
    return text;
  }
}
