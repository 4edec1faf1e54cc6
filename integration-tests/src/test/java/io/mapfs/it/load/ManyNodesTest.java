package io.mapfs.it.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientSecurity;
import io.mapfs.client.Endpoint;
import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.it.Requirements;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One appliance and 128 nodes: all but one are {@link LightNode}s, one is a real mount. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class ManyNodesTest {
  private static final int NODES = 128;
  private static final int RECORDS = 6;
  private static final int FILES = 24;
  private static final int FILE_BYTES = 100_000;

  private Sandbox user;
  private Endpoint appliance;
  private Path root;

  @BeforeEach
  void start() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance();
    appliance = Endpoint.parse(user.address());
    Path source = user.newDirectory("source");
    byte[] content = new byte[FILE_BYTES];
    for (int i = 0; i < FILES; i++) {
      new Random(i).nextBytes(content);
      Files.write(source.resolve("file" + i), content);
    }
    user.run("repo", "import", "many", source.toString()).ok();
    LoadRun.addNodes(appliance, "many", NODES - 1);
    user.run("node", "add", "real", "--master", "many").ok();
    root = user.mount("real");
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  @Test
  void allReadAndAllWriteAtOnceAndEachGetsItsOwn() throws Exception {
    CountDownLatch begin = new CountDownLatch(1);
    List<Callable<Long>> works = new ArrayList<>();
    List<LightNode> nodes = new ArrayList<>();
    try {
      for (int number = 1; number < NODES; number++) {
        LightNode node =
            LightNode.connect(appliance, LoadRun.nodeName(number), ClientSecurity.PLAIN);
        nodes.add(node);
        boolean reads = number % 2 == 0;
        Path trees = user.newDirectory("trees" + number);
        works.add(
            () -> {
              begin.await();
              return reads ? read(node, node.blocks("many", 1, trees)) : write(node);
            });
      }
      works.add(
          () -> {
            begin.await();
            return workOnMount();
          });
      List<Long> results = LoadRun.run(works, begin);
      for (int number = 1; number < NODES; number++) {
        assertEquals(number % 2 == 0 ? FILES : RECORDS, results.get(number - 1));
      }
    } finally {
      nodes.forEach(LightNode::close);
    }
  }

  private static long read(LightNode node, TreeBlocks tree) throws Exception {
    Set<BlockId> came = new HashSet<>();
    List<StoredBlock> wrong = new ArrayList<>();
    node.read(
        tree,
        block -> {
          came.add(block.id());
          if (!isWhole(block)) {
            wrong.add(block);
          }
        });
    assertEquals(List.of(), wrong);
    return came.size();
  }

  private static boolean isWhole(StoredBlock block) {
    try {
      return BlockCodec.decodeVerified(block).length == FILE_BYTES;
    } catch (CorruptBlockException e) {
      return false;
    }
  }

  private static long write(LightNode node) throws Exception {
    node.open();
    for (int i = 0; i < RECORDS; i++) {
      assertEquals(
          node.sequence() + 1,
          ApplianceClient.await(node.append(8)).sequence(),
          "each record is acknowledged as itself");
    }
    assertEquals(node.sequence(), node.position());
    return node.sequence();
  }

  /** Meanwhile a machine boots: all reads are right, and a commit is durable. */
  private long workOnMount() throws Exception {
    byte[] content = new byte[FILE_BYTES];
    for (int i = 0; i < FILES; i++) {
      new Random(i).nextBytes(content);
      assertArrayEquals(content, Files.readAllBytes(root.resolve("file" + i)));
    }
    Path note = Files.writeString(root.resolve("note"), "written among 127 others");
    Sandbox.shell("sync \"$1\"", note);
    assertTrue(Files.exists(note));
    return FILES;
  }
}
