package io.mapfs.core.importer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * The walker's end of the pipeline: gives the reading and hashing to the workers and keeps the
 * order for the thread that collects. Bounded by items (and so by open files) and by bytes.
 */
final class Passage implements SourceSink {
  /** Most items on their way; an open file has at least one. */
  private static final int ITEMS_MAX = 512;

  /** What comes out, in the order in which it went in. */
  sealed interface Item {}

  record Inode(int inode, Metadata metadata) implements Item {}

  record Segment(int rawBytes, Future<List<HashedBlock>> blocks) implements Item {}

  record EndOfFile(SourceFile file) implements Item {}

  record Notice(ImportNotice notice) implements Item {}

  /** Nothing comes after this. */
  record End() implements Item {}

  private final BlockingQueue<Item> items = new ArrayBlockingQueue<>(ITEMS_MAX);
  private final ExecutorService workers;
  private final ByteBudget budget;

  Passage(ExecutorService workers, ByteBudget budget) {
    this.workers = workers;
    this.budget = budget;
  }

  @Override
  public void inode(int inode, Metadata metadata) throws InterruptedException {
    items.put(new Inode(inode, metadata));
  }

  @Override
  public void segment(int rawBytes, Callable<List<HashedBlock>> cut) throws InterruptedException {
    budget.acquire(rawBytes);
    items.put(new Segment(rawBytes, workers.submit(cut)));
  }

  @Override
  public void endFile(SourceFile file) throws InterruptedException {
    try {
      items.put(new EndOfFile(file));
    } catch (InterruptedException e) {
      file.close();
      throw e;
    }
  }

  @Override
  public void notice(ImportNotice.Kind kind, String path) throws InterruptedException {
    items.put(new Notice(new ImportNotice(kind, path)));
  }

  void end() throws InterruptedException {
    items.put(new End());
  }

  Item take() throws InterruptedException {
    return items.take();
  }

  /** Closes the files that nobody will take. Only when no walker runs any more. */
  void abandon() {
    List<Item> left = new ArrayList<>();
    items.drainTo(left);
    for (Item item : left) {
      if (item instanceof EndOfFile end) {
        end.file().close();
      }
    }
  }
}
