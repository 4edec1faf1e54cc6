package io.mapfs.node.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class BlockIndexTest {
  @Test
  void behavesLikeAMapUnderPutsAndRemoves() {
    BlockIndex index = new BlockIndex();
    Map<Long, Long> model = new HashMap<>();
    Random random = new Random(7);
    // Few distinct prefixes with equal high bits, so that runs collide and wrap around.
    long[] prefixes = new long[4000];
    for (int i = 0; i < prefixes.length; i++) {
      prefixes[i] = i % 3 == 0 ? random.nextLong() : random.nextInt(5) * 0x2000000L - i;
    }
    for (int step = 0; step < 200_000; step++) {
      long prefix = prefixes[random.nextInt(prefixes.length)];
      if (random.nextInt(3) > 0) {
        long location = Location.of(1 + random.nextInt(9), random.nextInt(1000) * 64L, 4096);
        index.put(prefix, location);
        model.put(prefix, location);
      } else if (model.containsKey(prefix)) {
        index.remove(prefix, model.remove(prefix));
      }
    }
    assertEquals(model.size(), index.size());
    for (long prefix : prefixes) {
      assertEquals(
          model.getOrDefault(prefix, BlockIndex.NONE), index.use(prefix) & ~Location.REUSED);
    }
  }

  @Test
  void removesASegmentWhole() {
    BlockIndex index = new BlockIndex();
    for (int i = 0; i < 10_000; i++) {
      index.put(new Random(i).nextLong(), Location.of(1 + i % 2, i * 64L, 100));
    }
    int before = index.size();
    index.removeSegment(1);
    assertEquals(before / 2, index.size());
    index.forEach((prefix, location) -> assertEquals(2, Location.segment(location)));
  }

  @Test
  void removesOnlyTheLocationThatWasMeant() {
    BlockIndex index = new BlockIndex();
    index.put(5, Location.of(1, 64, 100));
    index.put(5, Location.of(2, 64, 100));
    index.remove(5, Location.of(1, 64, 100));
    assertTrue(index.contains(5));
    index.use(5);
    index.remove(5, Location.of(2, 64, 100));
    assertFalse(index.contains(5));
  }

  @Test
  void packsTheLargestLocation() {
    long location = Location.of(Location.SEGMENT_MAX, Segment.BYTES_MAX - 64, 131072);
    assertEquals(Location.SEGMENT_MAX, Location.segment(location));
    assertEquals(Segment.BYTES_MAX - 64, Location.offsetBytes(location));
    assertEquals(131072, Location.rawBytes(location));
    assertEquals(1, Location.rawBytes(Location.of(1, 64, 1)));
  }
}
