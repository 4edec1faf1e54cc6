package io.mapfs.node.cache;

import com.github.luben.zstd.Zstd;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.LeafHashes;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.wire.Priority;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A source in the heap that answers at once or when told, and can fail. */
final class FakeSource implements BlockSource {
  record Request(
      ReadScope scope,
      List<BlockId> ids,
      Priority priority,
      CompletableFuture<List<StoredBlock>> answer) {}

  private final Map<BlockId, byte[]> contents = new HashMap<>();
  private final Set<BlockId> missing = new HashSet<>();
  private final Set<BlockId> wrong = new HashSet<>();
  private final List<Request> requests = new ArrayList<>();
  private boolean held;

  /** Makes a block of compressible content that depends on the seed alone. */
  synchronized BlockId add(long seed, int bytes) {
    byte[] content = content(seed, bytes);
    BlockId id = LeafHashes.id(LeafHashes.of(content, 0, bytes));
    contents.put(id, content);
    return id;
  }

  static byte[] content(long seed, int bytes) {
    byte[] content = new byte[bytes];
    Random random = new Random(seed);
    for (int i = 0; i < bytes; i++) {
      content[i] = (byte) (random.nextInt(16) + 'a');
    }
    return content;
  }

  synchronized byte[] contentOf(BlockId id) {
    return contents.get(id);
  }

  synchronized void lose(BlockId id) {
    missing.add(id);
  }

  /** From now on the content sent is another one. */
  synchronized void spoil(BlockId id) {
    wrong.add(id);
  }

  /** From now on requests stay unanswered until {@link #release}. */
  synchronized void hold() {
    held = true;
  }

  void release() {
    List<Request> waiting;
    synchronized (this) {
      held = false;
      waiting = List.copyOf(requests);
    }
    for (Request request : waiting) {
      if (!request.answer().isDone()) {
        answer(request);
      }
    }
  }

  synchronized List<Request> requests() {
    return List.copyOf(requests);
  }

  synchronized long timesAsked(BlockId id) {
    return requests.stream().filter(request -> request.ids().contains(id)).count();
  }

  @Override
  public CompletableFuture<List<StoredBlock>> fetch(
      ReadScope scope, List<BlockId> ids, Priority priority) {
    Request request = new Request(scope, ids, priority, new CompletableFuture<>());
    boolean now;
    synchronized (this) {
      requests.add(request);
      now = !held;
      notifyAll();
    }
    if (now) {
      answer(request);
    }
    return request.answer();
  }

  synchronized void awaitRequests(int count) throws InterruptedException {
    while (requests.size() < count) {
      wait();
    }
  }

  private void answer(Request request) {
    List<StoredBlock> blocks = new ArrayList<>();
    synchronized (this) {
      for (BlockId id : request.ids()) {
        byte[] content = contents.get(id);
        if (content == null || missing.contains(id)) {
          request.answer().completeExceptionally(new IOException("no block " + id));
          return;
        }
        if (wrong.contains(id)) {
          content = content.clone();
          content[content.length - 1] ^= 1;
        }
        boolean zstd = content.length % 2 == 0;
        blocks.add(
            new StoredBlock(
                id,
                zstd ? StoredBlock.CODEC_ZSTD : StoredBlock.CODEC_RAW,
                content.length,
                ByteBuffer.wrap(zstd ? Zstd.compress(content, 1) : content)));
      }
    }
    request.answer().complete(blocks);
  }
}
