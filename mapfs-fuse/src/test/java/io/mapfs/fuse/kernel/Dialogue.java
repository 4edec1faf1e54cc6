package io.mapfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.RequestContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A kernel that speaks to a connection without a mount. */
final class Dialogue {
  /** All flags that Linux 6.18 offers, and more. */
  static final long ALL_FLAGS = 0x7fff_ffff_ffffL & ~(1L << 31);

  /** The thread that writes back for the daemon. */
  static final int WRITER_PID = 77;

  /** What the kernel says a file's length is when it is written back. */
  static final long WRITTEN_BACK_LENGTH = 5000;

  final KernelConnection connection;
  final Exchange exchange;
  final List<Long> writtenBack = new ArrayList<>();
  final List<Long> droppedAttributes = new ArrayList<>();

  /** Notifications that stored content in the kernel. */
  final List<byte[]> stored = new ArrayList<>();

  private long unique = 2;

  Dialogue(FileSystemOperations operations, boolean readOnly) {
    connection =
        new KernelConnection(
            operations,
            readOnly,
            8,
            new KernelCache() {
              @Override
              public boolean isWriter(int pid) {
                return pid == WRITER_PID;
              }

              @Override
              public long writeBack(RequestContext context, long node) {
                writtenBack.add(node);
                return WRITTEN_BACK_LENGTH;
              }

              @Override
              public void store(ByteBuffer notification) {
                byte[] bytes = new byte[notification.remaining()];
                notification.get(bytes);
                stored.add(bytes);
              }

              @Override
              public void dropAttributes(long node) {
                droppedAttributes.add(node);
              }
            });
    exchange = connection.newExchange();
  }

  /** A connection that has agreed on a minor version and flags. */
  static Dialogue ready(FileSystemOperations operations, int minor, long flags, boolean readOnly) {
    Dialogue dialogue = new Dialogue(operations, readOnly);
    dialogue.ok(dialogue.init(7, minor, flags));
    return dialogue;
  }

  static Dialogue ready(FileSystemOperations operations) {
    return ready(operations, 45, ALL_FLAGS, false);
  }

  Request init(int major, int minor, long flags) {
    return request(Opcode.INIT, 0)
        .u32(major, minor, 131072, (int) flags, (int) (flags >>> 32))
        .u32(new int[11]);
  }

  Request request(Opcode opcode, long node) {
    unique += 2;
    return Request.of(opcode, unique, node);
  }

  /** Serves and returns whether a reply is to be sent. */
  boolean serve(byte[] request) {
    exchange.requestBuffer().put(request);
    return connection.serve(exchange, request.length);
  }

  /** Serves; the reply's body. */
  ByteBuffer ok(Request request) {
    ByteBuffer reply = reply(request);
    assertEquals(0, reply.getInt(OutHeader.ERROR), () -> "errno of " + exchange.opcode());
    return reply.position(OutHeader.BYTES).slice().order(ByteOrder.nativeOrder());
  }

  void fails(Errno expected, Request request) {
    ByteBuffer reply = reply(request);
    assertEquals(-expected.number(), reply.getInt(OutHeader.ERROR));
    assertEquals(OutHeader.BYTES, reply.remaining());
  }

  void silent(Request request) {
    assertEquals(false, serve(request.toBytes()), "no reply is due");
  }

  private ByteBuffer reply(Request request) {
    assertTrue(serve(request.toBytes()), "a reply is due");
    ByteBuffer reply = copy(exchange.reply());
    assertEquals(reply.remaining(), reply.getInt(OutHeader.LENGTH));
    assertEquals(exchange.unique(), reply.getLong(OutHeader.UNIQUE));
    return reply;
  }

  static ByteBuffer copy(ByteBuffer from) {
    return ByteBuffer.allocate(from.remaining())
        .order(ByteOrder.nativeOrder())
        .put(from.duplicate())
        .flip();
  }
}
