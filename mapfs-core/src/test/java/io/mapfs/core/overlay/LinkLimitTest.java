package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.tree.TestTrees;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** EMLINK, where an inode may have four links: a directory two subdirectories. */
final class LinkLimitTest {
  private static final TestContext ROOT = TestContext.root();

  @TempDir Path temp;
  private OverlayFixture fixture;

  /** A directory with two subdirectories. */
  private long full;

  /** One with none. */
  private long spare;

  @BeforeEach
  void mount() throws Exception {
    TestTrees trees =
        TestTrees.of("debian")
            .file("/full/file", "a file")
            .directory("/full/one", 0755)
            .directory("/full/two", 0755)
            .directory("/spare", 0755)
            .link("/spare/name", "/full/file");
    fixture = new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.config = fixture.config.withLinksMax(4);
    fixture.mount();
    full = node(NodeId.ROOT, "full");
    spare = node(NodeId.ROOT, "spare");
  }

  @AfterEach
  void unmount() throws Exception {
    fixture.close();
  }

  private long node(long directory, String name) throws FsException {
    return fixture.fs.lookup(ROOT, directory, Name.of(name)).node();
  }

  private int nlink(long directory, String name) throws FsException {
    return fixture.fs.lookup(ROOT, directory, Name.of(name)).nlink();
  }

  private void rename(long from, String name, long to, String newName, int flags)
      throws FsException {
    fixture.fs.rename(ROOT, from, Name.of(name), to, Name.of(newName), flags);
  }

  private static void assertTooMany(Executable operation) {
    assertEquals(Errno.EMLINK, assertThrows(FsException.class, operation).errno());
  }

  @Test
  void aFileHasSoManyNamesAndNoMore() throws Exception {
    long file = node(full, "file");
    fixture.fs.link(ROOT, file, spare, Name.of("third"));
    fixture.fs.link(ROOT, file, spare, Name.of("fourth"));
    assertTooMany(() -> fixture.fs.link(ROOT, file, spare, Name.of("fifth")));
    assertNull(fixture.fs.lookup(ROOT, spare, Name.of("fifth")));
    assertEquals(4, nlink(full, "file"));
    rename(spare, "fourth", full, "moved", 0);
    fixture.fs.unlink(ROOT, spare, Name.of("third"));
    fixture.fs.link(ROOT, file, spare, Name.of("fifth"));
    fixture.fs.barrier(ROOT);
    fixture.unmount();
    fixture.mount();
    assertEquals(4, nlink(spare, "fifth"), "what was refused has left nothing");
  }

  @Test
  void aDirectoryHasSoManySubdirectoriesAndNoMore() throws Exception {
    assertTooMany(() -> fixture.fs.mkdir(ROOT, full, Name.of("three"), 0755));
    assertNull(fixture.fs.lookup(ROOT, full, Name.of("three")));
    fixture.fs.mknod(ROOT, full, Name.of("fifo"), 0010644, 0);
    fixture.fs.rmdir(ROOT, full, Name.of("two"));
    fixture.fs.mkdir(ROOT, full, Name.of("three"), 0755);
    assertEquals(4, nlink(NodeId.ROOT, "full"));
  }

  @Test
  void aDirectoryIsMovedWhereThereIsRoom() throws Exception {
    fixture.fs.mkdir(ROOT, spare, Name.of("sub"), 0755);
    assertTooMany(() -> rename(spare, "sub", full, "three", 0));
    rename(full, "one", full, "renamed", 0);
    rename(spare, "sub", full, "two", 0);
    assertEquals(4, nlink(NodeId.ROOT, "full"), "it took another's place");
    rename(full, "two", spare, "sub", 0);
    assertEquals(3, nlink(NodeId.ROOT, "full"));
    rename(spare, "sub", full, "three", 0);
    assertEquals(4, nlink(NodeId.ROOT, "full"));
    assertEquals(2, nlink(NodeId.ROOT, "spare"));
  }

  @Test
  void anExchangeNeedsRoomForADirectoryThatComesForAFile() throws Exception {
    fixture.fs.mkdir(ROOT, spare, Name.of("sub"), 0755);
    int exchange = FileSystemOperations.RENAME_EXCHANGE;
    assertTooMany(() -> rename(spare, "sub", full, "file", exchange));
    assertTooMany(() -> rename(full, "file", spare, "sub", exchange));
    rename(spare, "sub", full, "one", exchange);
    rename(full, "one", spare, "name", exchange);
    assertEquals(3, nlink(NodeId.ROOT, "full"));
    assertEquals(4, nlink(NodeId.ROOT, "spare"));
  }
}
