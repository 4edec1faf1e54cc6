package io.mapfs.core.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.tree.TestTrees;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When the content of a file is given away at its opening, and when not. */
final class PreloaderTest {
  private static final TestContext ROOT = TestContext.root();
  private static final String CONTENT = "welcome\n";

  @TempDir Path temp;
  private OverlayFixture fixture;
  private OverlayFileSystem fs;
  private boolean here = true;

  @BeforeEach
  void mount() throws Exception {
    TestTrees trees =
        TestTrees.of("debian")
            .file("/motd", CONTENT)
            .file("/empty", "")
            .file("/large", new byte[BlockId.BLOCK_BYTES + 1]);
    fixture = new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.reader = sometimes(trees.blockReader());
    fs = fixture.mount().fs;
  }

  @AfterEach
  void unmount() throws Exception {
    fixture.close();
  }

  /** Has its blocks at hand only while {@link #here}. */
  private BlockReader sometimes(BlockReader reader) {
    return new BlockReader() {
      @Override
      public void read(
          RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
          throws FsException {
        reader.read(context, scope, id, offsetBytes, target);
      }

      @Override
      public boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target) {
        return here && reader.readAtHand(id, offsetBytes, target);
      }

      @Override
      public void prefetch(ReadScope scope, Iterable<BlockId> ids) {}
    };
  }

  private long node(String name) throws FsException {
    return fs.lookup(ROOT, NodeId.ROOT, Name.of(name)).node();
  }

  private long open(long node) throws FsException {
    return fs.open(ROOT, node, OpenFlags.O_RDONLY);
  }

  /** What is given away of an open file; {@code null} if nothing is. */
  private String preloaded(long node) throws FsException {
    ByteBuffer target = ByteBuffer.allocate(1 << 20);
    String[] stored = new String[1];
    boolean told =
        fs.preload(
            node,
            target,
            () -> stored[0] = new String(target.array(), 0, target.position(), UTF_8));
    assertEquals(stored[0] != null, told);
    return stored[0];
  }

  @Test
  void theFirstToOpenGetsAllOfIt() throws Exception {
    long motd = node("motd");
    long handle = open(motd);
    assertEquals(CONTENT, preloaded(motd));
    assertNull(preloaded(motd), "the kernel has it");
    fs.release(ROOT, motd, handle);
    open(motd);
    assertNull(preloaded(motd), "the kernel still has it");
  }

  @Test
  void whatTheKernelForgotItGetsAgain() throws Exception {
    long motd = node("motd");
    long handle = open(motd);
    assertEquals(CONTENT, preloaded(motd));
    fs.release(ROOT, motd, handle);
    fs.forget(motd, 1);
    open(node("motd"));
    assertEquals(CONTENT, preloaded(motd));
  }

  @Test
  void nothingIsGivenBesideAnotherWhoHasItOpen() throws Exception {
    long motd = node("motd");
    long writer = fs.open(ROOT, motd, OpenFlags.O_RDWR);
    open(motd);
    assertNull(preloaded(motd));
    fs.release(ROOT, motd, writer);
    assertEquals(CONTENT, preloaded(motd));
  }

  @Test
  void nothingIsGivenOfAFileThatWasChanged() throws Exception {
    long motd = node("motd");
    long writer = fs.open(ROOT, motd, OpenFlags.O_RDWR);
    fs.write(ROOT, motd, writer, 0, ByteBuffer.wrap("W".getBytes(UTF_8)), false);
    fs.release(ROOT, motd, writer);
    open(motd);
    assertNull(preloaded(motd));
  }

  @Test
  void onlySmallFilesWhoseContentIsAtHand() throws Exception {
    open(node("large"));
    assertNull(preloaded(node("large")));
    open(node("empty"));
    assertNull(preloaded(node("empty")));
    here = false;
    open(node("motd"));
    assertNull(preloaded(node("motd")));
    here = true;
    assertEquals(CONTENT, preloaded(node("motd")));
  }

  @Test
  void itCountsAsARead() throws Exception {
    long motd = node("motd");
    fixture.clock.advanceNanos(TimeUnit.DAYS.toNanos(365));
    FileTime before = fs.getattr(ROOT, motd).atime();
    open(motd);
    preloaded(motd);
    assertTrue(fs.getattr(ROOT, motd).atime().compareTo(before) > 0);
  }

  @Test
  void whoWantsToWriteWaitsUntilItIsStored() throws Exception {
    long motd = node("motd");
    open(motd);
    CountDownLatch opening = new CountDownLatch(1);
    CompletableFuture<Long> writer = new CompletableFuture<>();
    boolean stored =
        fs.preload(
            motd,
            ByteBuffer.allocate(1 << 20),
            () -> {
              Thread other =
                  new Thread(
                      () -> {
                        opening.countDown();
                        try {
                          writer.complete(fs.open(ROOT, motd, OpenFlags.O_RDWR));
                        } catch (FsException e) {
                          writer.completeExceptionally(e);
                        }
                      });
              other.start();
              try {
                assertTrue(opening.await(10, TimeUnit.SECONDS));
                other.join(100);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              assertFalse(writer.isDone(), "opened while the content was stored");
            });
    assertTrue(stored);
    assertTrue(writer.get(10, TimeUnit.SECONDS) != FileSystemOperations.NO_HANDLE);
  }
}
