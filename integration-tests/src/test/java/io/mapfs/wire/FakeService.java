package io.mapfs.wire;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.ApplianceService;
import io.mapfs.server.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** An appliance that keeps everything in memory and can be made to wait or fail. */
final class FakeService implements ApplianceService {
  final BlockingQueue<Session> opened = new LinkedBlockingQueue<>();
  final BlockingQueue<Session> closed = new LinkedBlockingQueue<>();
  final ConcurrentHashMap<BlockId, StoredBlock> blocks = new ConcurrentHashMap<>();
  final List<Long> appended = new CopyOnWriteArrayList<>();
  final AtomicInteger running = new AtomicInteger();

  /** What getPosition waits for. */
  volatile CountDownLatch gate = new CountDownLatch(0);

  final BlockingQueue<String> entered = new LinkedBlockingQueue<>();
  volatile byte[] tree = new byte[0];
  final BlockingQueue<Message.PutTree> uploadedTree = new LinkedBlockingQueue<>();
  volatile String clusterId = "0123456789abcdef0123456789abcdef";

  @Override
  public String clusterId() {
    return clusterId;
  }

  @Override
  public void opened(Session session) {
    opened.add(session);
  }

  @Override
  public void closed(Session session) {
    closed.add(session);
  }

  @Override
  public JsonObject call(
      Session session, String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException {
    JsonObject result = new JsonObject();
    switch (method) {
      case "echo" -> {
        return parameters;
      }
      case "count" -> {
        for (int i = 1; i <= 3; i++) {
          JsonObject step = new JsonObject();
          step.addProperty("done", i);
          progress.accept(step);
        }
        result.addProperty("node", session.node());
      }
      case "wait" -> {
        entered.add("wait");
        await();
      }
      case "huge" -> result.addProperty("text", "x".repeat(17 << 20));
      case "bug" -> throw new IllegalStateException("a planted fault");
      case "barrier" -> {
        Session other = opened.peek();
        try {
          Message answer = other.request(new Message.Barrier(other.node())).get();
          result.addProperty("sequence", ((Message.Appended) answer).sequence());
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
          throw new ApplianceException(FailureCode.UNAVAILABLE, e.getCause().getMessage(), e);
        }
      }
      default -> throw new ApplianceException(FailureCode.NOT_FOUND, "no method " + method);
    }
    return result;
  }

  private void await() {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public Message.Blocks getBlocks(Session session, Message.GetBlocks request)
      throws ApplianceException {
    List<StoredBlock> found = new ArrayList<>();
    for (BlockId id : request.ids()) {
      StoredBlock block = blocks.get(id);
      if (block == null) {
        throw new ApplianceException(FailureCode.NOT_FOUND, "there is no block " + id);
      }
      found.add(block);
    }
    return new Message.Blocks(found);
  }

  @Override
  public Message.Have haveBlocks(Session session, Message.HaveBlocks request) {
    BitSet present = new BitSet();
    for (int i = 0; i < request.ids().size(); i++) {
      present.set(i, blocks.containsKey(request.ids().get(i)));
    }
    return new Message.Have(present);
  }

  @Override
  public void putBlocks(Session session, Message.PutBlocks request) {
    for (StoredBlock block : request.blocks()) {
      blocks.put(block.id(), block);
    }
  }

  @Override
  public Message.TreeChunk getTree(Session session, Message.GetTree request) {
    int from = (int) request.offsetBytes();
    int length = Math.min(request.lengthBytes(), tree.length - from);
    return new Message.TreeChunk(tree.length, ByteBuffer.wrap(tree, from, length).slice());
  }

  @Override
  public void putTree(Session session, Message.PutTree request) {
    uploadedTree.add(request);
  }

  @Override
  public Message.OverlayOpened openOverlay(Session session, Message.OpenOverlay request) {
    return new Message.OverlayOpened(1, 0, new byte[32], 0, "debian", 1, 0, 0, 1L << 48, 1);
  }

  @Override
  public Message.OverlayPosition resumeOverlay(Session session, Message.ResumeOverlay request) {
    return new Message.OverlayPosition(request.epoch(), 0, new byte[32], 0);
  }

  @Override
  public Message.OverlayPosition getPosition(Session session, Message.GetPosition request) {
    running.incrementAndGet();
    entered.add(request.node());
    await();
    return new Message.OverlayPosition(1, 2, new byte[32], 0);
  }

  @Override
  public Message.HeadRows getHead(Session session, Message.GetHead request) {
    return new Message.HeadRows(1, List.of(), new byte[0]);
  }

  @Override
  public CompletableFuture<Message.Appended> append(Session session, Message.Append request) {
    long sequence = request.record().sequence();
    appended.add(sequence);
    return CompletableFuture.supplyAsync(() -> new Message.Appended(sequence));
  }

  @Override
  public Message.TailOpened openTail(Session session, Message.OpenTail request) {
    return new Message.TailOpened(0);
  }

  @Override
  public Message.Appended appendTail(Session session, Message.AppendTail request) {
    return new Message.Appended(request.record().sequence());
  }

  @Override
  public void closeOverlay(Session session, Message.CloseOverlay request) {}
}
