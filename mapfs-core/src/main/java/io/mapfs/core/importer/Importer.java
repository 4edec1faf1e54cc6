package io.mapfs.core.importer;

import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.tree.TreeNode;
import io.mapfs.core.tree.TreeSummary;
import io.mapfs.core.tree.TreeWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Makes one version out of one source. The calling thread collects what the others read; interrupt
 * it to cancel. A run that fails or is cancelled has published nothing, and another one only has to
 * put the blocks that this one did not.
 */
public final class Importer {
  /** Raw bytes on their way between threads. */
  private static final int BUDGET_BYTES = 64 << 20;

  /** Times that a file which changes is read, the first included. */
  private static final int READINGS_MAX = 3;

  private static final long SHUTDOWN_SECONDS = 10;
  private static final long PROGRESS_NANOS = 1_000_000_000L / ImportProgress.PER_SECOND_MAX;

  private final ImportTarget target;
  private final ImportProgress progress;
  private final ByteBudget budget = new ByteBudget(BUDGET_BYTES);
  private final ExecutorService walker = Executors.newSingleThreadExecutor(threads("walk"));
  private final ExecutorService uploads = Executors.newSingleThreadExecutor(threads("upload"));
  private final ExecutorService workers;
  private final Passage passage;
  private final BlockUploader uploader;

  private final List<ImportNotice> notices = new ArrayList<>();
  private long noticeCount;
  private long files;
  private long bytes;
  private long progressAtNanos = System.nanoTime();

  private Importer(ImportTarget target, ImportOptions options, ImportProgress progress) {
    this.target = target;
    this.progress = progress;
    workers = Executors.newFixedThreadPool(options.threads(), threads("read"));
    passage = new Passage(workers, budget);
    uploader = new BlockUploader(target, workers, uploads, budget);
  }

  private static ThreadFactory threads(String job) {
    return task -> {
      Thread thread = new Thread(task, "import-" + job);
      thread.setDaemon(true);
      return thread;
    };
  }

  /**
   * Imports, and publishes by {@link ImportTarget#commit} at the end.
   *
   * @throws ImportException if the source cannot be read, or the target refuses; one line
   * @throws InterruptedException if the calling thread was interrupted
   */
  public static ImportResult run(
      ImportSource source, ImportTarget target, ImportOptions options, ImportProgress progress)
      throws ImportException, InterruptedException {
    Path directory;
    try {
      directory = Files.createTempDirectory(options.temporaryDirectory(), "mapfs-import");
    } catch (IOException e) {
      throw new ImportException(
          "cannot make a directory in " + options.temporaryDirectory() + ": " + e.getMessage(), e);
    }
    Path treeFile = directory.resolve("tree");
    Importer importer = new Importer(target, options, progress);
    try (InodeSpool spool = new InodeSpool(directory.resolve("spool"))) {
      Numbered numbered = importer.fill(importer.readAll(source.reader(options), spool), spool);
      return importer.publish(numbered, treeFile);
    } catch (CorruptTreeException e) {
      throw new ImportException(e.getMessage(), e);
    } catch (IOException | UncheckedIOException e) {
      throw new ImportException("cannot write to " + directory + ": " + e.getMessage(), e);
    } finally {
      importer.stop();
      delete(treeFile);
      delete(directory);
    }
  }

  private static void delete(Path path) throws ImportException {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new ImportException("cannot delete " + path + ": " + e.getMessage(), e);
    }
  }

  /** Brings all blocks to the target and all inodes to the spool. */
  private NameTree readAll(SourceReader reader, InodeSpool spool)
      throws ImportException, InterruptedException, IOException {
    NameTree names = new NameTree();
    Future<Void> walk =
        walker.submit(
            () -> {
              try {
                reader.read(names, passage);
              } finally {
                passage.end();
              }
              return null;
            });
    Passage.Item item = passage.take();
    while (!(item instanceof Passage.End)) {
      collect(item, spool);
      item = passage.take();
    }
    Futures.get(walk);
    uploader.finish();
    spool.finish();
    progress.advanced(files, bytes, uploader.newRawBytes());
    return names;
  }

  private void collect(Passage.Item item, InodeSpool spool)
      throws ImportException, InterruptedException, IOException {
    if (item instanceof Passage.Segment segment) {
      collect(segment.rawBytes(), Futures.get(segment.blocks()), spool);
    } else if (item instanceof Passage.EndOfFile end) {
      try (SourceFile file = end.file()) {
        settle(file, spool);
      }
    } else if (item instanceof Passage.Inode inode) {
      spool.put(inode.inode(), inode.metadata());
      count(0);
    } else if (item instanceof Passage.Notice notice) {
      note(notice.notice());
    }
  }

  /** Takes a segment's blocks; what they do not need of its share of the budget is given back. */
  private void collect(int rawBytes, List<HashedBlock> blocks, InodeSpool spool)
      throws ImportException, InterruptedException, IOException {
    int held = 0;
    for (HashedBlock block : blocks) {
      held += block.content().length;
    }
    budget.release(rawBytes - held);
    for (HashedBlock block : blocks) {
      spool.addBlock(block.index(), block.id());
      uploader.add(block);
    }
    tell();
  }

  /** Ends a file; one that changed is read again, here, in order. */
  private void settle(SourceFile file, InodeSpool spool)
      throws ImportException, InterruptedException, IOException {
    boolean changed = file.changed();
    for (int reading = 1; changed && reading < READINGS_MAX; reading++) {
      spool.discardBlocks();
      file.readAgain((rawBytes, cut) -> collectAgain(rawBytes, cut, spool));
      changed = file.changed();
    }
    if (changed) {
      note(new ImportNotice(ImportNotice.Kind.CHANGED_WHILE_READ, file.path()));
    }
    spool.put(file.inode(), file.metadata());
    count(file.metadata().sizeBytes());
  }

  private void collectAgain(int rawBytes, Callable<List<HashedBlock>> cut, InodeSpool spool)
      throws ImportException, InterruptedException {
    try {
      List<HashedBlock> blocks = cut.call();
      // Never waits: this thread is the one that would have to give back.
      budget.overdraw(rawBytes);
      collect(rawBytes, blocks, spool);
    } catch (ImportException | InterruptedException | RuntimeException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Exception e) {
      throw new IllegalStateException("no other exception is thrown by a segment", e);
    }
  }

  /** A tree that is ready to be written. */
  private record Numbered(TreeWriter writer, long nextIno) {}

  /** Numbers the inodes and gives all to a writer, so that the names' own memory can go. */
  private Numbered fill(NameTree names, InodeSpool spool)
      throws ImportException, InterruptedException, IOException {
    ChildOrder order = ChildOrder.of(names);
    InodeNumbering numbering =
        InodeNumbering.of(names, order, target.previousTree().orElse(null), target.nextIno());
    TreeWriter writer = new TreeWriter(target.master(), target.version());
    for (int inode = 0; inode < names.inodeCount(); inode++) {
      if (order.linkCount(inode) > 0) {
        requireUninterrupted();
        writer.add(node(numbering.ino(inode), spool.get(inode)));
      }
    }
    for (int place = 1; place < order.size(); place++) {
      int node = order.node(place);
      writer.addName(
          numbering.ino(names.inode(names.parent(node))),
          names.name(node),
          numbering.ino(names.inode(node)));
    }
    return new Numbered(writer, numbering.nextIno());
  }

  /** Writes the tree and commits. */
  private ImportResult publish(Numbered numbered, Path treeFile)
      throws ImportException, InterruptedException, IOException {
    TreeSummary summary = numbered.writer().write(treeFile, numbered.nextIno());
    requireUninterrupted();
    ImportStatistics statistics =
        new ImportStatistics(
            summary.entries(),
            summary.inodes(),
            summary.contentBytes(),
            uploader.newBlocks(),
            uploader.newRawBytes(),
            uploader.newStoredBytes(),
            summary.nextIno());
    int version = target.commit(treeFile, statistics);
    return new ImportResult(
        target.master(), version, statistics, List.copyOf(notices), noticeCount);
  }

  private static void requireUninterrupted() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("the import was cancelled");
    }
  }

  private static TreeNode node(long ino, InodeSpool.Spooled spooled) {
    Metadata metadata = spooled.metadata();
    return new TreeNode(
        ino,
        metadata.type(),
        metadata.permissions(),
        metadata.uid(),
        metadata.gid(),
        metadata.rdev(),
        metadata.sizeBytes(),
        metadata.mtime(),
        metadata.mtime(),
        metadata.ctime(),
        metadata.btime(),
        metadata.symlinkTarget(),
        metadata.xattrs(),
        spooled.blocks());
  }

  /** Ends all threads; what they still hold is closed. */
  private void stop() {
    boolean interrupted = false;
    for (ExecutorService executor : List.of(walker, workers, uploads)) {
      executor.shutdownNow();
      try {
        // A walker that waits for standard input does not see the interrupt; it dies with the JVM.
        boolean ended = executor.awaitTermination(SHUTDOWN_SECONDS, TimeUnit.SECONDS);
        if (ended && executor == walker) {
          passage.abandon();
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void note(ImportNotice notice) {
    noticeCount++;
    if (notices.size() < ImportResult.NOTICES_MAX) {
      notices.add(notice);
    }
  }

  private void count(long sizeBytes) {
    files++;
    bytes += sizeBytes;
    tell();
  }

  private void tell() {
    long now = System.nanoTime();
    if (now - progressAtNanos >= PROGRESS_NANOS) {
      progressAtNanos = now;
      progress.advanced(files, bytes, uploader.newRawBytes());
    }
  }
}
