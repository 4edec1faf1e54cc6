package io.mapfs.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.importer.ImportException;
import io.mapfs.core.importer.ImportStatistics;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.Message;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RemoteImportTargetTest {
  private static final ImportStatistics STATISTICS = new ImportStatistics(1, 2, 3, 4, 5, 6, 7);

  @TempDir private Path temp;
  private final FakeAppliance appliance = new FakeAppliance();

  private RemoteImportTarget begin() throws Exception {
    return RemoteImportTarget.begin(
        appliance, "debian", true, "first", new TreeFiles(appliance, temp.resolve("trees")));
  }

  private static StoredBlock block(int number) {
    return new StoredBlock(
        new BlockId(number, 0, 0, 0),
        StoredBlock.CODEC_RAW,
        BlockId.BLOCK_BYTES,
        ByteBuffer.allocate(BlockId.BLOCK_BYTES));
  }

  @Test
  void firstVersionHasNoPredecessor() throws Exception {
    try (RemoteImportTarget target = begin()) {
      assertEquals(1, target.version());
      assertEquals(77, target.nextIno());
      assertTrue(target.previousTree().isEmpty());
    }
    assertTrue(appliance.calls.get(1).startsWith("import.abort"), appliance.calls.toString());
  }

  @Test
  void laterVersionsSeeTheirPredecessor() throws Exception {
    appliance.add(TestTrees.of("debian").file("/a", "a").build(temp));
    try (RemoteImportTarget target = begin()) {
      assertEquals(2, target.version());
      assertEquals(1, target.previousTree().orElseThrow().version());
    }
  }

  @Test
  void asksInBoundedPartsAndUploadsInBoundedBatches() throws Exception {
    try (RemoteImportTarget target = begin()) {
      List<BlockId> ids = new ArrayList<>();
      List<StoredBlock> blocks = new ArrayList<>();
      for (int i = 0; i < 1500; i++) {
        ids.add(block(i).id());
      }
      appliance.stored.add(ids.get(0));
      appliance.stored.add(ids.get(1200));
      assertEquals(1498, target.missing(ids).cardinality());
      assertEquals(2, appliance.requests.size());
      assertEquals(
          new ReadScope.Version("debian", 0),
          ((Message.HaveBlocks) appliance.requests.get(0)).scope());
      for (int i = 0; i < 64; i++) {
        blocks.add(block(i));
      }
      appliance.requests.clear();
      target.put(blocks);
      assertEquals(2, appliance.requests.size());
      assertEquals(32, ((Message.PutBlocks) appliance.requests.get(0)).blocks().size());
    }
  }

  @Test
  void commitSendsTheTreeAndItsHash() throws Exception {
    TreeIndex tree = TestTrees.of("debian").file("/a", "a").build(temp);
    try (RemoteImportTarget target = begin()) {
      assertEquals(1, target.commit(tree.file(), STATISTICS));
    }
    assertArrayEquals(Files.readAllBytes(tree.file()), appliance.uploadedTree.toByteArray());
    String commit = appliance.calls.get(1);
    assertTrue(commit.contains(HexFormat.of().formatHex(tree.rootHash())), commit);
    assertTrue(commit.contains("\"newStoredBytes\":6"), commit);
    assertEquals(2, appliance.calls.size(), "a committed import is not abandoned");
  }

  @Test
  void failedUploadSurfacesAtCommit() throws Exception {
    TreeIndex tree = TestTrees.of("debian").file("/a", "a").build(temp);
    try (RemoteImportTarget target = begin()) {
      appliance.failFrom = 0;
      target.put(List.of(block(1)));
      ImportException e =
          assertThrows(ImportException.class, () -> target.commit(tree.file(), STATISTICS));
      assertEquals("a planted failure", e.getMessage());
    }
    assertTrue(appliance.calls.stream().noneMatch(call -> call.startsWith("import.commit")));
  }
}
