package io.mapfs.core.importer;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * Hands blocks to the target in batches: asks which are missing, has these compressed, puts them in
 * order. Belongs to one thread; a put goes on while the next batch is gathered.
 */
final class BlockUploader {
  /** Batches that are being put. */
  private static final int BATCHES_MAX = 2;

  private final ImportTarget target;
  private final BlockCodec codec = new BlockCodec();
  private final ExecutorService workers;
  private final ExecutorService uploads;

  /** Raw bytes on their way; a block's are given back once it needs no memory. */
  private final ByteBudget budget;

  private final List<HashedBlock> batch = new ArrayList<>();
  private int batchBytes;

  /** Ids in the batch and in the batches that are being put: not asked for again. */
  private final Set<BlockId> onTheirWay = new HashSet<>();

  private final Queue<Upload> running = new ArrayDeque<>();
  private long newBlocks;
  private long newRawBytes;
  private long newStoredBytes;

  /** A put that goes on; its result is the stored bytes. */
  private record Upload(List<HashedBlock> blocks, Future<Long> storedBytes) {}

  BlockUploader(
      ImportTarget target, ExecutorService workers, ExecutorService uploads, ByteBudget budget) {
    this.target = target;
    this.workers = workers;
    this.uploads = uploads;
    this.budget = budget;
  }

  long newBlocks() {
    return newBlocks;
  }

  long newRawBytes() {
    return newRawBytes;
  }

  long newStoredBytes() {
    return newStoredBytes;
  }

  /** Takes a block whose bytes count against the budget. */
  void add(HashedBlock block) throws ImportException, InterruptedException {
    int length = block.content().length;
    if (!onTheirWay.add(block.id())) {
      budget.release(length);
      return;
    }
    if (batchBytes + length > ImportTarget.BATCH_BYTES_MAX) {
      flush();
      onTheirWay.add(block.id());
    }
    batch.add(block);
    batchBytes += length;
    if (batch.size() == ImportTarget.BATCH_BLOCKS_MAX) {
      flush();
    }
  }

  /** Puts all that is left and waits for it. */
  void finish() throws ImportException, InterruptedException {
    flush();
    while (!running.isEmpty()) {
      awaitOldest();
    }
  }

  private void flush() throws ImportException, InterruptedException {
    if (batch.isEmpty()) {
      return;
    }
    if (running.size() == BATCHES_MAX) {
      awaitOldest();
    }
    List<BlockId> ids = new ArrayList<>(batch.size());
    for (HashedBlock block : batch) {
      ids.add(block.id());
    }
    BitSet missing = target.missing(ids);
    List<HashedBlock> wanted = new ArrayList<>();
    List<Future<StoredBlock>> encoded = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      HashedBlock block = batch.get(i);
      if (missing.get(i)) {
        wanted.add(block);
        encoded.add(workers.submit(() -> encode(block)));
      } else {
        onTheirWay.remove(block.id());
        budget.release(block.content().length);
      }
    }
    batch.clear();
    batchBytes = 0;
    if (!wanted.isEmpty()) {
      running.add(new Upload(wanted, uploads.submit(() -> put(encoded))));
    }
  }

  private StoredBlock encode(HashedBlock block) {
    byte[] content = block.content();
    StoredBlock stored = codec.encode(block.id(), ByteBuffer.wrap(content));
    budget.release(content.length);
    return stored;
  }

  private long put(List<Future<StoredBlock>> encoded) throws ImportException, InterruptedException {
    List<StoredBlock> blocks = new ArrayList<>(encoded.size());
    long bytes = 0;
    for (Future<StoredBlock> one : encoded) {
      StoredBlock block = Futures.get(one);
      blocks.add(block);
      bytes += block.payload().remaining();
    }
    target.put(blocks);
    return bytes;
  }

  private void awaitOldest() throws ImportException, InterruptedException {
    Upload oldest = running.remove();
    newStoredBytes += Futures.get(oldest.storedBytes());
    for (HashedBlock block : oldest.blocks()) {
      onTheirWay.remove(block.id());
      newRawBytes += block.content().length;
    }
    newBlocks += oldest.blocks().size();
  }
}
