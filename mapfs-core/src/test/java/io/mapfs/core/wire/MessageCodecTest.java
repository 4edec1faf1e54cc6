package io.mapfs.core.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class MessageCodecTest {
  private static ByteBuffer bytesOf(Frame frame) {
    ByteBuffer all = ByteBuffer.allocate(frame.lengthBytes());
    for (ByteBuffer part : frame.parts()) {
      all.put(part);
    }
    return all.flip();
  }

  private static byte[] copy(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(buffer.position(), bytes);
    return bytes;
  }

  private static Message read(ByteBuffer frame)
      throws MalformedMessageException, UnknownMessageException {
    ByteBuffer bytes = frame.duplicate();
    FrameHeader header = FrameHeader.take(bytes, Limits.MAX_FRAME_BYTES);
    if (bytes.remaining() != header.lengthBytes()) {
      throw new MalformedMessageException("length");
    }
    header.verify(bytes);
    return MessageCodec.decode(header, bytes);
  }

  private static FrameHeader headerFor(int type) {
    return new FrameHeader(0, 0, type, 0, 1);
  }

  @Test
  void everyMessageHasASampleAndANumber() {
    Set<Class<?>> sampled =
        new SampleMessages(1).all().stream().map(Object::getClass).collect(Collectors.toSet());
    assertEquals(Set.of(Message.class.getPermittedSubclasses()), sampled);
    assertEquals(Message.class.getPermittedSubclasses().length, MessageType.values().length);
  }

  @Test
  void everyMessageSurvivesTheWay() throws Exception {
    for (Message message : new SampleMessages(2).all()) {
      ByteBuffer sent = bytesOf(Frame.request(77, Priority.DEMAND, message));
      Message received = read(sent);
      assertEquals(message.getClass(), received.getClass());
      // Some messages hold arrays and buffers: equal bytes say that all of them came through.
      assertEquals(sent, bytesOf(Frame.request(77, Priority.DEMAND, received)), message.toString());
    }
  }

  @Test
  void valuesComeThrough() throws Exception {
    Message.Append sent = new SampleMessages(3).append();
    Message.Append append =
        assertInstanceOf(
            Message.Append.class, read(bytesOf(Frame.request(1, Priority.JOURNAL, sent))));
    assertEquals(sent.record().sequence(), append.record().sequence());
    assertEquals(sent.pages(), append.pages());
    Message.GetBlocks get =
        new Message.GetBlocks(new ReadScope.Version("debian", 3), List.of(new BlockId(1, 2, 3, 4)));
    assertEquals(get, read(bytesOf(Frame.request(1, Priority.DEMAND, get))));
  }

  @Test
  void headerTellsPriorityAndDirection() throws Exception {
    for (Priority priority : Priority.values()) {
      ByteBuffer request = bytesOf(Frame.request(5, priority, new Message.Ping()));
      FrameHeader header = FrameHeader.take(request, 100);
      assertEquals(priority, header.priority());
      assertEquals(5, header.requestId());
      assertEquals(false, header.isReply());
      ByteBuffer reply = bytesOf(Frame.reply(-6, priority, new Message.Done()));
      assertTrue(FrameHeader.take(reply, 100).isReply());
    }
  }

  @Test
  void frameLayoutIsTheDocumentedOne() {
    ByteBuffer bytes = bytesOf(Frame.request(0x01020304, Priority.PREFETCH, new Message.Cancel(9)));
    byte[] expected = {
      0,
      0,
      0,
      4,
      bytes.get(4),
      bytes.get(5),
      bytes.get(6),
      bytes.get(7),
      4,
      2,
      0,
      0,
      1,
      2,
      3,
      4,
      0,
      0,
      0,
      9
    };
    assertEquals(ByteBuffer.wrap(expected), bytes);
    java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
    crc.update(expected, 8, 12);
    assertEquals((int) crc.getValue(), bytes.getInt(4));
  }

  @Test
  void everyFlippedBitOfAFrameIsNoticed() {
    ByteBuffer frame = bytesOf(Frame.request(3, Priority.DEMAND, new Message.GetPosition("web01")));
    for (int bit = 0; bit < frame.limit() * 8; bit++) {
      byte[] damaged = copy(frame);
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      assertThrows(
          MalformedMessageException.class, () -> read(ByteBuffer.wrap(damaged)), "bit " + bit);
    }
  }

  @Test
  void everyTruncationIsNoticed() throws Exception {
    for (Message message : new SampleMessages(4).all()) {
      ByteBuffer frame = bytesOf(Frame.request(3, Priority.DEMAND, message));
      FrameHeader header = FrameHeader.take(frame, Limits.MAX_FRAME_BYTES);
      ByteBuffer payload = frame.slice();
      for (int length = 0; length < payload.limit(); length += 1 + payload.limit() / 200) {
        ByteBuffer cut = payload.slice(0, length);
        assertThrows(
            MalformedMessageException.class,
            () -> MessageCodec.decode(header, cut),
            () -> message.getClass().getSimpleName() + " cut to " + cut.limit());
      }
      ByteBuffer longer = ByteBuffer.allocate(payload.limit() + 1).put(payload).clear();
      assertThrows(
          MalformedMessageException.class,
          () -> MessageCodec.decode(header, longer),
          message.getClass().getSimpleName());
    }
  }

  /** Mutated payloads are decoded or refused; nothing else is ever thrown, nor much allocated. */
  @Test
  void mutatedPayloadsAreDecodedOrRefused() throws Exception {
    long seed = Long.getLong("mapfs.fuzz.seed", 20_261_121);
    int rounds = Integer.getInteger("mapfs.fuzz.rounds", 300);
    Random random = new Random(seed);
    int refused = 0;
    for (int round = 0; round < rounds; round++) {
      for (Message message : new SampleMessages(seed + round % 8).all()) {
        ByteBuffer frame = bytesOf(Frame.request(3, Priority.DEMAND, message));
        FrameHeader header = FrameHeader.take(frame, Limits.MAX_FRAME_BYTES);
        byte[] payload = copy(frame);
        int type = random.nextInt(8) == 0 ? random.nextInt(255) + 1 : header.type();
        try {
          MessageCodec.decode(headerFor(type), ByteBuffer.wrap(mutate(payload, random)));
        } catch (MalformedMessageException | UnknownMessageException e) {
          refused++;
        } catch (RuntimeException | Error e) {
          throw new AssertionError(
              "seed " + seed + " round " + round + " " + message.getClass().getSimpleName(), e);
        }
      }
    }
    assertTrue(refused > rounds, "mutations hardly ever did harm: is the fuzzer at work?");
  }

  private static byte[] mutate(byte[] payload, Random random) {
    byte[] mutated = payload.clone();
    for (int i = random.nextInt(4); i >= 0 && mutated.length > 0; i--) {
      int at = random.nextInt(Math.min(mutated.length, 200));
      switch (random.nextInt(5)) {
        case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> mutated[at] = (byte) random.nextInt();
        case 2 -> Arrays.fill(mutated, at, Math.min(at + 8, mutated.length), (byte) 0xFF);
        case 3 -> Arrays.fill(mutated, at, Math.min(at + 8, mutated.length), (byte) 0);
        default -> mutated = Arrays.copyOf(mutated, random.nextInt(mutated.length + 9));
      }
    }
    return mutated;
  }

  @Test
  void countsBeyondTheBoundAreRefusedBeforeAllocation() {
    ByteBuffer ids = ByteBuffer.allocate(2 + 1 + 4 + 1);
    ids.put((byte) 2).putShort((short) 1).put((byte) 'n').putInt(Integer.MAX_VALUE);
    int type = MessageType.GET_BLOCKS.number();
    assertThrows(
        MalformedMessageException.class, () -> MessageCodec.decode(headerFor(type), ids.clear()));
    ByteBuffer blocks = ByteBuffer.allocate(4).putInt(Limits.MAX_IDS);
    assertThrows(
        MalformedMessageException.class,
        () -> MessageCodec.decode(headerFor(MessageType.BLOCKS.number()), blocks.clear()));
  }

  @Test
  void tooLongFramesAreRefusedByTheirHead() {
    ByteBuffer head = ByteBuffer.allocate(FrameHeader.BYTES);
    head.putInt(Limits.MAX_FRAME_BYTES + 1).putInt(0).put((byte) 1).clear();
    assertThrows(
        MalformedMessageException.class, () -> FrameHeader.take(head, Limits.MAX_FRAME_BYTES));
    head.putInt(0, -1).clear();
    assertThrows(
        MalformedMessageException.class, () -> FrameHeader.take(head, Limits.MAX_FRAME_BYTES));
  }

  @Test
  void senderRefusesWhatDoesNotFit() {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            Frame.request(
                1,
                Priority.DEMAND,
                new Message.HaveBlocks(
                    new ReadScope.Overlay("n"),
                    Collections.nCopies(Limits.MAX_IDS + 1, new BlockId(1, 2, 3, 4)))));
    List<StoredBlock> blocks = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      blocks.add(
          new StoredBlock(
              new BlockId(i, 2, 3, 4),
              StoredBlock.CODEC_RAW,
              BlockId.BLOCK_BYTES,
              ByteBuffer.allocate(BlockId.BLOCK_BYTES)));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> Frame.reply(1, Priority.DEMAND, new Message.Blocks(blocks)));
  }

  @Test
  void longFailuresAreCutBetweenCharacters() throws Exception {
    String text = "\u20ac".repeat(Limits.MAX_MESSAGE_BYTES);
    Message.Failure failure =
        (Message.Failure)
            read(
                bytesOf(
                    Frame.reply(
                        1, Priority.JOURNAL, new Message.Failure(FailureCode.INVALID, text))));
    assertEquals("\u20ac".repeat(Limits.MAX_MESSAGE_BYTES / 3), failure.message());
  }

  @Test
  void documentsMustBeObjectsInStrictJson() {
    for (String text :
        List.of("", "[]", "{", "{}x", "{a:1}", "nul", "{\"a\":NaN}", "[".repeat(100_000))) {
      ByteBuffer payload = ByteBuffer.wrap(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      assertThrows(
          MalformedMessageException.class,
          () -> MessageCodec.decode(headerFor(MessageType.CALL_RESULT.number()), payload),
          text);
    }
  }

  @Test
  void largePayloadsAreNotCopied() {
    ByteBuffer data = ByteBuffer.allocateDirect(100_000);
    Frame frame = Frame.request(1, Priority.PREFETCH, new Message.PutTree("i", 0, data));
    assertTrue(Arrays.stream(frame.parts()).anyMatch(ByteBuffer::isDirect));
    assertEquals(0, data.position());
  }

  @Test
  void noCommonVersionIsIncompatible() throws Exception {
    assertEquals(1, Protocol.commonVersion(new Message.Hello(1, 9, 0, "", "newer")));
    ApplianceException e =
        assertThrows(
            ApplianceException.class,
            () -> Protocol.commonVersion(new Message.Hello(2, 9, 0, "", "MapFS 9")));
    assertEquals(FailureCode.INCOMPATIBLE, e.code());
    assertTrue(e.getMessage().contains("versions 2 to 9"), e.getMessage());
  }

  @Test
  void callParametersAreBounded() {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("text", "x".repeat(Limits.MAX_CALL_BYTES));
    assertThrows(
        IllegalArgumentException.class,
        () -> Frame.request(1, Priority.JOURNAL, new Message.Call("m", parameters)));
  }
}
