package io.mapfs.node.cache;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.LeafHashes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RecentBlocksTest {
  private static final int BLOCK_BYTES = 8192;

  private final List<VerifiedBlock> blocks = new ArrayList<>();

  private static VerifiedBlock block(byte[] content) {
    byte[] leaves = LeafHashes.of(content, 0, content.length);
    return new VerifiedBlock(LeafHashes.id(leaves), content, leaves);
  }

  private RecentBlocks filled(int room, int count) {
    for (int i = 0; i < count; i++) {
      byte[] content = new byte[BLOCK_BYTES];
      content[0] = (byte) i;
      blocks.add(block(content));
    }
    RecentBlocks recent = new RecentBlocks((int) (room * blocks.get(0).heapBytes()));
    blocks.forEach(recent::put);
    return recent;
  }

  private boolean has(RecentBlocks recent, int block) {
    boolean here = recent.get(blocks.get(block).id()) != null;
    assertTrue(here == recent.contains(blocks.get(block).id()));
    return here;
  }

  @Test
  void thoseThatWaitLongestGoFirst() {
    RecentBlocks recent = filled(8, 10);
    assertFalse(has(recent, 0));
    assertFalse(has(recent, 1));
    for (int i = 2; i < 10; i++) {
      assertTrue(has(recent, i));
    }
  }

  @Test
  void thoseThatWereReadGoBeforeThoseThatWereNot() {
    RecentBlocks recent = filled(8, 8);
    recent.wasRead(blocks.get(6));
    recent.wasRead(blocks.get(7));
    assertTrue(has(recent, 6) && has(recent, 7));
    recent.put(block(new byte[BLOCK_BYTES / 2]));
    assertFalse(has(recent, 6));
    assertTrue(has(recent, 0));
  }

  @Test
  void thoseThatWereReadKeepAQuarterAtMost() {
    RecentBlocks recent = filled(8, 8);
    blocks.forEach(recent::wasRead);
    assertNotNull(recent.get(blocks.get(7).id()));
    assertTrue(has(recent, 6));
    assertFalse(has(recent, 5));
  }
}
