package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Leaf hashes of blocks on disk that were verified against their ids, so that a random 4 KiB read
 * costs one read and one leaf hash. Two ways a set, no lock: a lost race loses a cached list and
 * nothing else.
 */
final class LeafHashCache {
  private final AtomicReferenceArray<Leaves> ways;
  private final int setMask;

  private record Leaves(BlockId id, byte[] hashes) {}

  /** {@code lists}: most lists kept, of up to 1 KiB each; a power of two. */
  LeafHashCache(int lists) {
    if (Integer.bitCount(lists) != 1 || lists < 2) {
      throw new IllegalArgumentException("not a power of two: " + lists);
    }
    ways = new AtomicReferenceArray<>(lists);
    setMask = lists / 2 - 1;
  }

  /** The verified leaf hashes, or {@code null}. */
  byte[] get(BlockId id) {
    int first = firstWay(id);
    for (int way = first; way < first + 2; way++) {
      Leaves found = ways.get(way);
      if (found != null && found.id.equals(id)) {
        if (way != first) {
          ways.set(way, ways.getAndSet(first, found));
        }
        return found.hashes;
      }
    }
    return null;
  }

  void put(BlockId id, byte[] hashes) {
    int first = firstWay(id);
    ways.set(first + 1, ways.getAndSet(first, new Leaves(id, hashes)));
  }

  private int firstWay(BlockId id) {
    return ((int) id.b() & setMask) * 2;
  }
}
