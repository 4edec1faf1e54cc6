package io.mapfs.core.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OverlayFileSystemTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;

  @TempDir Path temp;
  private TestTrees trees;
  private TreeIndex base;
  private OverlayFixture fixture;

  @BeforeEach
  void mount() throws Exception {
    trees =
        TestTrees.of("debian")
            .file("/etc/passwd", "root:x:0:0\n")
            .file("/etc/group", "root:x:0\n")
            .file("/usr/lib/big", new byte[300_000])
            .directory("/usr/empty", 0755)
            .symlink("/bin", "usr/bin");
    base = trees.build(temp);
    fixture = new OverlayFixture(temp.resolve("state"), base, trees.blockReader()).mount();
  }

  @AfterEach
  void unmount() throws Exception {
    fixture.close();
  }

  @Test
  void theVersionShowsThrough() throws Exception {
    Attributes passwd = lookup("/etc/passwd");
    assertEquals(trees.ino("/etc/passwd"), passwd.ino());
    assertEquals("root:x:0:0\n", text("/etc/passwd"));
    assertEquals("usr/bin", new String(fs().readlink(ROOT, lookup("/bin").node()), UTF_8));
    assertNull(fs().lookup(ROOT, NodeId.ROOT, Name.of("nothing")));
    assertEquals(List.of(".", "..", "bin", "etc", "usr"), names("/"));
  }

  @Test
  void readingLeavesNoTrace() throws Exception {
    text("/etc/passwd");
    names("/etc");
    fs().barrier(ROOT);
    assertEquals(0, fixture.appliance.recordCount());
  }

  @Test
  void readingMovesTheAccessTimeOfTheVersionsFilesInMemoryAlone() throws Exception {
    Attributes before = lookup("/etc/passwd");
    FileTime read = later(10);
    text("/etc/passwd");
    assertEquals(read, lookup("/etc/passwd").atime());
    assertEquals(before.mtime(), lookup("/etc/passwd").mtime());
    assertEquals(before.ctime(), lookup("/etc/passwd").ctime());
    later(10);
    text("/etc/passwd");
    assertEquals(read, lookup("/etc/passwd").atime(), "relatime: it is younger than the content");
    FileTime nextDay = later(86_400);
    text("/etc/passwd");
    assertEquals(nextDay, lookup("/etc/passwd").atime());
    fs().barrier(ROOT);
    assertEquals(0, fixture.appliance.recordCount());
    later(10);
    write("/etc/passwd", 0, "toor");
    assertEquals(nextDay, lookup("/etc/passwd").atime(), "a record of its own keeps it");
  }

  @Test
  void readingRenewsTheAccessTimeOfWhatTheOverlayHolds() throws Exception {
    later(10);
    AttributeChange chmod =
        new AttributeChange(0600, null, null, null, null, null, null, false, NONE);
    fs().setattr(ROOT, lookup("/etc/group").node(), chmod);
    FileTime read = later(10);
    text("/etc/group");
    assertEquals(read, lookup("/etc/group").atime());
    fs().barrier(ROOT);
    fixture.unmount();
    fixture.mount();
    assertEquals(read, lookup("/etc/group").atime());
  }

  @Test
  void aCallerThatKeepsTheTimesSetsThemAlone() throws Exception {
    RequestContext kernel =
        new TestContext(0, 0, 0) {
          @Override
          public boolean keepsTimes() {
            return true;
          }
        };
    FileTime changed = later(10);
    chmod(lookup("/etc/passwd").node());
    Attributes before = lookup("/etc/passwd");
    assertEquals(changed, before.ctime());
    later(10);
    fs().write(kernel, before.node(), NONE, 0, bytes("toor"), false);
    fs().fallocate(kernel, before.node(), NONE, 0, 0, 100);
    fs().setattr(kernel, before.node(), size(200));
    fs().release(kernel, before.node(), fs().open(kernel, before.node(), OpenFlags.O_TRUNC));
    assertEquals(before.mtime(), lookup("/etc/passwd").mtime());
    assertEquals(before.ctime(), lookup("/etc/passwd").ctime());
    FileTime last = later(10);
    fs().setattr(ROOT, before.node(), size(200));
    assertEquals(last, lookup("/etc/passwd").mtime());
  }

  @Test
  void aWriteKeepsTheInodeNumberAndShipsOnePage() throws Exception {
    long before = lookup("/usr/lib/big").ino();
    write("/usr/lib/big", 150_000, "hello");
    assertEquals(before, lookup("/usr/lib/big").ino());
    assertEquals(300_000, lookup("/usr/lib/big").sizeBytes());
    fs().barrier(ROOT);
    byte[] content = content("/usr/lib/big");
    assertEquals("hello", new String(content, 150_000, 5, UTF_8));
    assertEquals(0, content[149_999]);
    assertEquals(1, fixture.appliance.recordCount());
    assertEquals(4096, fs().metrics().ownBytes());
  }

  @Test
  void whatIsBornAndDiesInABatchLeavesNoTrace() throws Exception {
    Opened made = fs().create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2);
    fs().write(ROOT, made.attributes().node(), made.handle(), 0, bytes("text"), false);
    fs().release(ROOT, made.attributes().node(), made.handle());
    fs().unlink(ROOT, NodeId.ROOT, Name.of("new"));
    fs().forget(made.attributes().node(), 1);
    fs().barrier(ROOT);
    // The root's times changed, nothing else.
    assertEquals(1, fixture.appliance.rowCount());
  }

  @Test
  void anUnlinkedOpenFileLivesUntilItsLastClose() throws Exception {
    Attributes passwd = lookup("/etc/passwd");
    long handle = fs().open(ROOT, passwd.node(), 2);
    fs().unlink(ROOT, lookup("/etc").node(), Name.of("passwd"));
    fs().barrier(ROOT);
    assertEquals(0, fs().getattr(ROOT, passwd.node()).nlink());
    ByteBuffer buffer = ByteBuffer.allocate(100);
    assertEquals(11, fs().read(ROOT, passwd.node(), handle, 0, buffer));
    fs().write(ROOT, passwd.node(), handle, 0, bytes("still"), false);
    fs().barrier(ROOT);
    assertTrue(fixture.appliance.hasInode(passwd.ino()));
    fs().release(ROOT, passwd.node(), handle);
    fs().forget(passwd.node(), 10);
    fs().barrier(ROOT);
    assertEquals(false, fixture.appliance.hasInode(passwd.ino()));
  }

  @Test
  void aRepositoryDirectoryMovesByTwoNames() throws Exception {
    long ino = lookup("/usr").ino();
    fs().rename(ROOT, NodeId.ROOT, Name.of("usr"), lookup("/etc").node(), Name.of("moved"), 0);
    assertEquals(ino, lookup("/etc/moved").ino());
    assertEquals(300_000, lookup("/etc/moved/lib/big").sizeBytes());
    assertEquals(lookup("/etc").ino(), fs().lookup(ROOT, ino, Name.of("..")).ino());
    FsException e =
        assertThrows(
            FsException.class,
            () -> fs().rename(ROOT, NodeId.ROOT, Name.of("etc"), ino, Name.of("inside"), 0));
    assertEquals(Errno.EINVAL, e.errno());
    fs().rename(ROOT, lookup("/etc").node(), Name.of("moved"), NodeId.ROOT, Name.of("usr"), 0);
    fs().barrier(ROOT);
    assertEquals(0, fixture.appliance.inode(ino).parentIno());
    assertEquals(0, fixture.appliance.inode(ino).nlinkDelta());
  }

  @Test
  void everythingSurvivesACleanClose() throws Exception {
    changeThings();
    fixture.unmount();
    fixture.mount();
    assertThings();
  }

  @Test
  void whatWasMadeDurableLocallySurvivesACrash() throws Exception {
    fixture.unmount();
    fixture.config = fixture.config.withDurability(Durability.LOCAL);
    fixture.mount();
    fixture.appliance.hold();
    changeThings();
    fs().fsync(ROOT, NodeId.ROOT, NONE, false);
    fixture.crash();
    fixture.appliance.letGo();
    fixture.mount();
    assertThings();
  }

  @Test
  void theHeadAloneIsEnough() throws Exception {
    changeThings();
    fs().barrier(ROOT);
    fixture.crash();
    OverlayFixture other = new OverlayFixture(temp.resolve("other"), base, trees.blockReader());
    try (OverlayState state = OverlayState.open(temp.resolve("other"))) {
      state.load(
          fixture.appliance.headRows(3), fixture.appliance.position(OverlayFixture.NODE, 7, base));
      assertEquals(fixture.appliance.sequence(), state.position().sequence());
    }
    assertNull(other.fs);
    deleteState();
    fixture.mount();
    assertThings();
  }

  @Test
  void aFailedShipIsRetriedAndLosesNothing() throws Exception {
    fixture.appliance.failNext(3);
    write("/etc/passwd", 0, "fresh");
    fs().fsync(ROOT, lookup("/etc/passwd").node(), NONE, false);
    assertEquals(1, fixture.appliance.recordCount());
    assertNull(fs().metrics().failure());
  }

  @Test
  void anFsyncThatCannotReachTheApplianceFailsAndLosesNothing() throws Exception {
    fixture.unmount();
    fixture.config = fixture.config.withWaitLimitMillis(50);
    fixture.mount();
    fixture.appliance.failNext(1_000);
    write("/etc/passwd", 0, "fresh");
    long node = lookup("/etc/passwd").node();
    FsException e = assertThrows(FsException.class, () -> fs().fsync(ROOT, node, NONE, false));
    assertEquals(Errno.EIO, e.errno());
    assertEquals("fresh", text("/etc/passwd").substring(0, 5));
    fixture.appliance.failNext(0);
    fixture.crash();
    fixture.mount();
    assertEquals("fresh", text("/etc/passwd").substring(0, 5));
  }

  @Test
  void anInterruptEndsAWait() throws Exception {
    fixture.appliance.hold();
    write("/etc/passwd", 0, "fresh");
    TestContext context = new TestContext(0, 0, 0);
    Thread interrupter = new Thread(context::interrupt);
    interrupter.start();
    FsException e =
        assertThrows(
            FsException.class,
            () -> fs().fsync(context, lookup("/etc/passwd").node(), NONE, false));
    assertEquals(Errno.EINTR, e.errno());
    interrupter.join();
    fixture.appliance.letGo();
  }

  @Test
  void theQuotaRefusesBeforeItIsPassed() throws Exception {
    fixture.unmount();
    // The root directory's record and the new file's count, too.
    fixture.config = fixture.config.withQuotaBytes(8 * 4096 + 2 * Quota.INODE_BYTES);
    fixture.mount();
    Opened made = fs().create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2);
    long node = made.attributes().node();
    fs().write(ROOT, node, made.handle(), 0, ByteBuffer.allocate(8 * 4096), false);
    FsException e =
        assertThrows(
            FsException.class,
            () -> fs().write(ROOT, node, made.handle(), 8 * 4096, ByteBuffer.allocate(1), false));
    assertEquals(Errno.EDQUOT, e.errno());
    assertEquals(8 * 4096, fs().getattr(ROOT, node).sizeBytes());
    e =
        assertThrows(
            FsException.class, () -> fs().mkdir(ROOT, NodeId.ROOT, Name.of("directory"), 0755));
    assertEquals(Errno.EDQUOT, e.errno());
    assertEquals(0, fs().statfs(ROOT).freeBlocks());
    fs().write(ROOT, node, made.handle(), 5, bytes("overwriting is free"), false);
    fs().setattr(ROOT, node, size(4096));
    fs().write(ROOT, node, made.handle(), 4096, ByteBuffer.allocate(7 * 4096), false);
    fs().rename(ROOT, NodeId.ROOT, Name.of("new"), NodeId.ROOT, Name.of("newer"), 0);
    fs().unlink(ROOT, NodeId.ROOT, Name.of("newer"));
    fs().release(ROOT, node, made.handle());
    fs().forget(node, 1);
    fs().mkdir(ROOT, NodeId.ROOT, Name.of("directory"), 0755);
  }

  @Test
  void aQuotaIsChangedWhileTheOverlayIsMounted() throws Exception {
    Opened made = fs().create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2);
    long node = made.attributes().node();
    fs().write(ROOT, node, made.handle(), 0, ByteBuffer.allocate(8 * 4096), false);
    fixture.fs.changeQuota(4 * 4096);
    FsException e =
        assertThrows(
            FsException.class,
            () -> fs().write(ROOT, node, made.handle(), 8 * 4096, ByteBuffer.allocate(1), false));
    assertEquals(Errno.EDQUOT, e.errno());
    e =
        assertThrows(
            FsException.class, () -> fs().mkdir(ROOT, NodeId.ROOT, Name.of("directory"), 0755));
    assertEquals(Errno.EDQUOT, e.errno());
    assertEquals(4, fs().statfs(ROOT).blocks());
    assertEquals(0, fs().statfs(ROOT).freeBlocks());
    fs().write(ROOT, node, made.handle(), 0, bytes("what is there may change"), false);
    fs().setattr(ROOT, node, size(5 * 4096));
    fs().barrier(ROOT);
    fixture.fs.changeQuota(16 * 4096);
    fs().write(ROOT, node, made.handle(), 5 * 4096, ByteBuffer.allocate(4096), false);
    fixture.fs.changeQuota(0);
    fs().write(ROOT, node, made.handle(), 6 * 4096, ByteBuffer.allocate(64 * 4096), false);
    fs().barrier(ROOT);
  }

  /** Of a block that the overlay shares with the version, only what it wrote itself counts. */
  @Test
  void aFetchedHeadCountsWhatTheOverlayWroteAndNoMore() throws Exception {
    write("/usr/lib/big", 150_000, "hello");
    fs().barrier(ROOT);
    assertEquals(4096, fs().metrics().ownBytes());
    fixture.unmount();
    DurableFiles.deleteTree(fixture.directory);
    fixture.config = fixture.config.withQuotaBytes(4096 + Quota.INODE_BYTES);
    fixture.mount();
    assertTrue(fixture.fetched);
    assertEquals(4096, fs().metrics().ownBytes());
    write("/usr/lib/big", 150_001, "ELLO");
    FsException e =
        assertThrows(FsException.class, () -> write("/usr/lib/big", 150_000 + 8192, "more"));
    assertEquals(Errno.EDQUOT, e.errno());
    assertEquals("hELLO", new String(content("/usr/lib/big"), 150_000, 5, UTF_8));
    fs().barrier(ROOT);
    assertEquals(4096, fs().metrics().ownBytes());
  }

  @Test
  void aHoleNeedsRoomForPagesOfWhichOnlyAPartBecomesZeros() throws Exception {
    fixture.unmount();
    fixture.config = fixture.config.withQuotaBytes(4096 + Quota.INODE_BYTES);
    fixture.mount();
    long node = lookup("/usr/lib/big").node();
    int hole = FileSystemOperations.FALLOC_PUNCH_HOLE | FileSystemOperations.FALLOC_KEEP_SIZE;
    FsException e =
        assertThrows(FsException.class, () -> fs().fallocate(ROOT, node, NONE, hole, 100, 5_000));
    assertEquals(Errno.EDQUOT, e.errno(), "two pages of the version's would be the overlay's");
    assertEquals(0, fs().metrics().ownBytes());
    fs().fallocate(ROOT, node, NONE, hole, 0, 5_000);
    assertEquals(4096, fs().metrics().ownBytes());
    fs().setattr(ROOT, node, size(250_001));
    assertEquals(250_001, lookup("/usr/lib/big").sizeBytes(), "cutting off needs no room");
  }

  @Test
  void writersBesideEachOtherNeverPassTheQuota() throws Exception {
    fixture.unmount();
    int pages = 100;
    int writers = 4;
    fixture.config =
        fixture.config.withQuotaBytes(pages * 4096L + (writers + 1) * Quota.INODE_BYTES);
    fixture.mount();
    List<Thread> threads = new ArrayList<>();
    AtomicInteger written = new AtomicInteger();
    for (int i = 0; i < writers; i++) {
      Opened made = fs().create(ROOT, NodeId.ROOT, Name.of("file" + i), 0644, 2);
      threads.add(
          new Thread(
              () -> {
                for (int page = 0; page < pages; page++) {
                  try {
                    ByteBuffer bytes = ByteBuffer.allocate(4096);
                    long node = made.attributes().node();
                    fs().write(ROOT, node, made.handle(), page * 4096L, bytes, false);
                    written.incrementAndGet();
                  } catch (FsException e) {
                    assertEquals(Errno.EDQUOT, e.errno());
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertTrue(written.get() <= pages, () -> written.get() + " pages written");
    assertEquals(written.get() * 4096L, fs().metrics().ownBytes());
    assertTrue(written.get() >= pages - writers, () -> written.get() + " pages written");
  }

  @Test
  void aRenameOntoAFileIsInOneRecord() throws Exception {
    long node = lookup("/etc/passwd").node();
    int most = 0;
    while (fs().metrics().openChanges() >= most) {
      most = fs().metrics().openChanges();
      chmod(node);
    }
    // Whatever room the batch has left: some of these renames do not fit into it.
    for (int room = 0; room < 10; room++) {
      for (String name : List.of("source", "target")) {
        Opened made = fs().create(ROOT, NodeId.ROOT, Name.of(name), 0644, 2);
        fs().release(ROOT, made.attributes().node(), made.handle());
      }
      fs().barrier(ROOT);
      long sequence = fixture.appliance.sequence();
      while (fs().metrics().openChanges() < most - 3 * room) {
        chmod(node);
      }
      fs().rename(ROOT, NodeId.ROOT, Name.of("source"), NodeId.ROOT, Name.of("target"), 0);
      fs().barrier(ROOT);
      boolean found = false;
      for (long at = sequence + 1; at <= fixture.appliance.sequence(); at++) {
        Set<Name> names = fixture.appliance.changedNames(at);
        assertEquals(names.contains(Name.of("source")), names.contains(Name.of("target")));
        found |= names.contains(Name.of("target"));
      }
      assertTrue(found);
    }
  }

  private void chmod(long node) throws FsException {
    fs().setattr(
            ROOT, node, new AttributeChange(0640, null, null, null, null, null, null, false, NONE));
  }

  private void changeThings() throws Exception {
    write("/etc/passwd", 3, "XYZ");
    write("/usr/lib/big", 140_000, "hello");
    fs().setattr(ROOT, lookup("/usr/lib/big").node(), size(200_000));
    fs().setattr(ROOT, lookup("/usr/lib/big").node(), size(250_000));
    fs().unlink(ROOT, lookup("/etc").node(), Name.of("group"));
    fs().mkdir(ROOT, NodeId.ROOT, Name.of("srv"), 0750);
    fs().symlink(ROOT, lookup("/srv").node(), Name.of("link"), "target".getBytes(UTF_8));
    fs().link(ROOT, lookup("/etc/passwd").node(), lookup("/srv").node(), Name.of("hard"));
    fs().setxattr(ROOT, lookup("/srv").node(), Name.of("user.a"), new byte[] {1}, 0, false);
    fs().rmdir(ROOT, lookup("/usr").node(), Name.of("empty"));
  }

  private void assertThings() throws Exception {
    assertEquals("rooXYZ:0:0\n", text("/etc/passwd"));
    byte[] big = content("/usr/lib/big");
    assertEquals(250_000, big.length);
    assertEquals("hello", new String(big, 140_000, 5, UTF_8));
    assertEquals(List.of(".", "..", "passwd"), names("/etc"));
    assertEquals(List.of(".", "..", "hard", "link"), names("/srv"));
    assertEquals(lookup("/etc/passwd").ino(), lookup("/srv/hard").ino());
    assertEquals(2, lookup("/srv/hard").nlink());
    assertEquals(0750, lookup("/srv").permissions());
    assertEquals(FileType.SYMLINK, lookup("/srv/link").type());
    assertArrayEquals(
        new byte[] {1}, fs().getxattr(ROOT, lookup("/srv").node(), Name.of("user.a")));
    assertEquals(List.of(".", "..", "lib"), names("/usr"));
    assertEquals(3, lookup("/usr").nlink());
  }

  private FileTime later(long seconds) {
    fixture.clock.advanceNanos(seconds * 1_000_000_000L);
    return fixture.clock.now();
  }

  private OverlayFileSystem fs() {
    return fixture.fs;
  }

  private void deleteState() throws Exception {
    try (var files = Files.walk(temp.resolve("state"))) {
      files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
    }
  }

  private Attributes lookup(String path) throws FsException {
    Attributes at = fs().getattr(ROOT, NodeId.ROOT);
    for (String part : path.split("/")) {
      if (!part.isEmpty()) {
        at = fs().lookup(ROOT, at.node(), Name.of(part));
      }
    }
    return at;
  }

  private byte[] content(String path) throws FsException {
    Attributes at = lookup(path);
    ByteBuffer buffer = ByteBuffer.allocate((int) at.sizeBytes());
    assertEquals(at.sizeBytes(), fs().read(ROOT, at.node(), NONE, 0, buffer));
    return buffer.array();
  }

  private String text(String path) throws FsException {
    return new String(content(path), UTF_8);
  }

  private void write(String path, long offset, String text) throws FsException {
    ByteBuffer source = bytes(text);
    assertEquals(
        source.remaining(), fs().write(ROOT, lookup(path).node(), NONE, offset, source, false));
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private List<String> names(String path) throws FsException {
    List<String> names = new ArrayList<>();
    fs().readdir(
            ROOT,
            lookup(path).node(),
            NONE,
            0,
            false,
            (name, ino, type, next, attributes) -> names.add(new String(name, UTF_8)));
    names.sort(null);
    return names;
  }

  private static AttributeChange size(long bytes) {
    return new AttributeChange(null, null, null, bytes, null, null, null, false, NONE);
  }
}
