package io.mapfs.node.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.overlay.ReadListener;
import io.mapfs.core.tree.BootOrder;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
final class BootAheadTest {
  private static final int BLOCK = BlockId.BLOCK_BYTES;
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofMillis(50);

  @TempDir private Path directory;
  private RepositoryTree tree;
  private long library;
  private long program;
  private final BootRecorder recorder = new BootRecorder(ReadListener.NONE);
  private final Kept orders = new Kept();

  /** An appliance's memory. */
  private static final class Kept implements BootOrders {
    private final BootOrder before;
    final CompletableFuture<BootOrder> kept = new CompletableFuture<>();
    final CountDownLatch asked = new CountDownLatch(1);

    Kept(BootOrder.Run... before) {
      this.before = before.length == 0 ? null : new BootOrder(List.of(before));
    }

    @Override
    public BootOrder get() throws IOException {
      asked.countDown();
      return before;
    }

    @Override
    public void put(BootOrder order) {
      kept.complete(order);
    }
  }

  @BeforeEach
  void build() throws Exception {
    TestTrees trees = TestTrees.of("debian");
    trees.file("/library", FakeSource.content(1, 4 * BLOCK + 100));
    trees.file("/program", FakeSource.content(2, 700));
    tree = trees.build(directory);
    library = trees.ino("/library");
    program = trees.ino("/program");
  }

  private void read(long ino, int first, int last) {
    recorder.reading(tree, tree.slotOf(ino), first, last);
  }

  @Test
  void recordsEachBlockOnceInTheOrderOfItsFirstRead() throws Exception {
    read(program, 0, 0);
    read(library, 2, 3);
    read(library, 3, 4);
    read(program, 0, 0);
    read(library, 0, 0);
    BootAhead.start(orders, tree, (scope, hints) -> hints.size(), recorder, SHORT);
    assertEquals(
        List.of(
            new BootOrder.Run(program, 0, 1),
            new BootOrder.Run(library, 2, 3),
            new BootOrder.Run(library, 0, 1)),
        orders.kept.get(10, TimeUnit.SECONDS).runs());
    read(library, 1, 1);
    assertEquals(List.of(), recorder.end().runs(), "the boot is over");
  }

  @Test
  void asksForWhatTheLastBootReadInItsOrderAndTakesNoForAnAnswer() throws Exception {
    Kept last =
        new Kept(
            new BootOrder.Run(library, 3, 2),
            new BootOrder.Run(1L << 40, 0, 9), // gone since
            new BootOrder.Run(program, 0, 5), // shorter since
            new BootOrder.Run(library, 0, 1));
    List<BlockHint> asked = new ArrayList<>();
    CountDownLatch all = new CountDownLatch(4);
    Prefetcher oneAtATime =
        (scope, hints) -> {
          asked.add(hints.get(0));
          all.countDown();
          return 1;
        };
    try (BootAhead ahead = BootAhead.start(last, tree, oneAtATime, recorder, LONG)) {
      all.await();
    }
    assertEquals(
        List.of(hint(library, 3), hint(library, 4), hint(program, 0), hint(library, 0)), asked);
  }

  @Test
  void keepsAnOrderOnlyIfItIsNews() throws Exception {
    Kept same = new Kept(new BootOrder.Run(program, 0, 1), new BootOrder.Run(library, 0, 5));
    read(library, 0, 4);
    runToTheEnd(same);
    assertNull(same.kept.getNow(null));
    Kept nothingRead = new Kept();
    runToTheEnd(nothingRead);
    assertNull(nothingRead.kept.getNow(null));
  }

  @Test
  void closingEndsItWhereverItIs() throws Exception {
    Kept last = new Kept(new BootOrder.Run(library, 0, 5));
    read(program, 0, 0);
    BootAhead full = BootAhead.start(last, tree, (scope, hints) -> 0, recorder, LONG);
    last.asked.await();
    full.close();
    assertNull(last.kept.getNow(null), "a boot that was cut short says nothing");
  }

  /** Until the thread has ended by itself. */
  private void runToTheEnd(Kept last) throws Exception {
    BootAhead ahead = BootAhead.start(last, tree, (scope, hints) -> hints.size(), recorder, SHORT);
    ahead.awaitEnd();
  }

  private BlockHint hint(long ino, int block) {
    int slot = tree.slotOf(ino);
    int bytes = ReadAhead.blockBytes(tree.attributes(slot).sizeBytes(), block);
    return new BlockHint(tree.block(slot, block), bytes);
  }
}
