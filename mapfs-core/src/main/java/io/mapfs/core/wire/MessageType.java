package io.mapfs.core.wire;

import java.util.HashMap;
import java.util.Map;

/** The number of each message type in a frame's header. Numbers are never used again. */
enum MessageType {
  FAILURE(1, Message.Failure.class),
  DONE(2, Message.Done.class),
  PING(3, Message.Ping.class),
  CANCEL(4, Message.Cancel.class),

  HELLO(8, Message.Hello.class),
  WELCOME(9, Message.Welcome.class),

  CALL(16, Message.Call.class),
  CALL_PROGRESS(17, Message.CallProgress.class),
  CALL_RESULT(18, Message.CallResult.class),

  GET_BLOCKS(32, Message.GetBlocks.class),
  BLOCKS(33, Message.Blocks.class),
  HAVE_BLOCKS(34, Message.HaveBlocks.class),
  HAVE(35, Message.Have.class),
  PUT_BLOCKS(36, Message.PutBlocks.class),

  GET_TREE(48, Message.GetTree.class),
  TREE_CHUNK(49, Message.TreeChunk.class),
  PUT_TREE(50, Message.PutTree.class),

  OPEN_OVERLAY(64, Message.OpenOverlay.class),
  OVERLAY_OPENED(65, Message.OverlayOpened.class),
  GET_POSITION(66, Message.GetPosition.class),
  OVERLAY_POSITION(67, Message.OverlayPosition.class),
  GET_HEAD(68, Message.GetHead.class),
  HEAD_ROWS(69, Message.HeadRows.class),
  APPEND(70, Message.Append.class),
  APPENDED(71, Message.Appended.class),
  CLOSE_OVERLAY(72, Message.CloseOverlay.class),
  RESUME_OVERLAY(73, Message.ResumeOverlay.class),
  OPEN_TAIL(74, Message.OpenTail.class),
  TAIL_OPENED(75, Message.TailOpened.class),
  APPEND_TAIL(76, Message.AppendTail.class),

  BARRIER(80, Message.Barrier.class),
  FENCE(81, Message.Fence.class),
  CHANGE_QUOTA(82, Message.ChangeQuota.class);

  private static final MessageType[] BY_NUMBER = new MessageType[256];
  private static final Map<Class<?>, MessageType> BY_CLASS = new HashMap<>();

  static {
    for (MessageType type : values()) {
      BY_NUMBER[type.number] = type;
      BY_CLASS.put(type.message, type);
    }
  }

  private final int number;
  private final Class<? extends Message> message;

  MessageType(int number, Class<? extends Message> message) {
    this.number = number;
    this.message = message;
  }

  int number() {
    return number;
  }

  static MessageType of(Message message) {
    MessageType type = BY_CLASS.get(message.getClass());
    if (type == null) {
      throw new IllegalArgumentException("no number for " + message.getClass().getSimpleName());
    }
    return type;
  }

  /** The type of a number; {@code null} for one that this release does not know. */
  static MessageType of(int number) {
    return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
  }
}
