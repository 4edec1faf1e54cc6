package io.mapfs.node.cache;

import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * Which blocks are on disk and where: the first 64 bits of an id → {@link Location}.
 *
 * <p>Open addressing with linear probing in two long arrays, 21 to 32 bytes a block (load 0.5 to
 * 0.75; growth by half). Two ids with the same first 64 bits share an entry: the later one has it,
 * and readers check the whole id on disk. Sharded by the prefix, a monitor a shard.
 */
final class BlockIndex {
  /** No location. */
  static final long NONE = 0;

  private static final int SHARD_BITS = 4;

  private final Shard[] shards = new Shard[1 << SHARD_BITS];

  BlockIndex() {
    Arrays.setAll(shards, i -> new Shard());
  }

  /** The location, which is marked as reused; or {@link #NONE}. */
  long use(long prefix) {
    return shard(prefix).use(prefix);
  }

  boolean contains(long prefix) {
    return shard(prefix).get(prefix) != NONE;
  }

  void put(long prefix, long location) {
    shard(prefix).put(prefix, location);
  }

  /** Removes the entry if it still has this location. */
  void remove(long prefix, long location) {
    shard(prefix).remove(prefix, location);
  }

  /** Removes all entries whose location is in a segment. */
  void removeSegment(int segment) {
    for (Shard shard : shards) {
      shard.removeIf(location -> Location.segment(location) == segment);
    }
  }

  int size() {
    int size = 0;
    for (Shard shard : shards) {
      size += shard.size();
    }
    return size;
  }

  /** Gives every entry to the visitor, a shard at a time, under the shard's monitor. */
  void forEach(Visitor visitor) {
    for (Shard shard : shards) {
      shard.forEach(visitor);
    }
  }

  /** Takes one entry. */
  @FunctionalInterface
  interface Visitor {
    void accept(long prefix, long location);
  }

  private Shard shard(long prefix) {
    return shards[(int) (prefix >>> (64 - SHARD_BITS))];
  }

  /** All fields are guarded by the monitor; a location of 0 marks a free slot. */
  private static final class Shard {
    private static final int CAPACITY_MIN = 64;

    private long[] prefixes = new long[CAPACITY_MIN];
    private long[] locations = new long[CAPACITY_MIN];
    private int size;

    synchronized int size() {
      return size;
    }

    synchronized long get(long prefix) {
      return locations[find(prefix)];
    }

    synchronized long use(long prefix) {
      int slot = find(prefix);
      long location = locations[slot];
      if (location != NONE) {
        locations[slot] = location | Location.REUSED;
      }
      return location;
    }

    synchronized void put(long prefix, long location) {
      int slot = find(prefix);
      if (locations[slot] == NONE) {
        if ((size + 1) * 4L > prefixes.length * 3L) {
          resize(prefixes.length + prefixes.length / 2);
          slot = find(prefix);
        }
        size++;
      }
      prefixes[slot] = prefix;
      locations[slot] = location;
    }

    synchronized void remove(long prefix, long location) {
      int slot = find(prefix);
      if (locations[slot] == NONE
          || (locations[slot] | Location.REUSED) != (location | Location.REUSED)) {
        return;
      }
      size--;
      // Close the gap: move back each follower whose home does not lie after the gap.
      int gap = slot;
      for (int next = after(gap); locations[next] != NONE; next = after(next)) {
        int home = home(prefixes[next]);
        boolean staysReachable =
            gap <= next ? gap < home && home <= next : gap < home || home <= next;
        if (!staysReachable) {
          prefixes[gap] = prefixes[next];
          locations[gap] = locations[next];
          gap = next;
        }
      }
      locations[gap] = NONE;
    }

    synchronized void removeIf(LongPredicate goes) {
      int staying = 0;
      for (int slot = 0; slot < locations.length; slot++) {
        if (locations[slot] != NONE && goes.test(locations[slot])) {
          locations[slot] = NONE;
        } else if (locations[slot] != NONE) {
          staying++;
        }
      }
      if (staying < size) {
        size = staying;
        resize(Math.max(CAPACITY_MIN, Math.min(prefixes.length, staying * 2)));
      }
    }

    synchronized void forEach(Visitor visitor) {
      for (int slot = 0; slot < locations.length; slot++) {
        if (locations[slot] != NONE) {
          visitor.accept(prefixes[slot], locations[slot]);
        }
      }
    }

    private void resize(int capacity) {
      long[] oldPrefixes = prefixes;
      long[] oldLocations = locations;
      prefixes = new long[capacity];
      locations = new long[capacity];
      for (int slot = 0; slot < oldLocations.length; slot++) {
        if (oldLocations[slot] != NONE) {
          int to = find(oldPrefixes[slot]);
          prefixes[to] = oldPrefixes[slot];
          locations[to] = oldLocations[slot];
        }
      }
    }

    /** The prefix's slot, or the free one where it would go. */
    private int find(long prefix) {
      int slot = home(prefix);
      while (locations[slot] != NONE && prefixes[slot] != prefix) {
        slot = after(slot);
      }
      return slot;
    }

    /** Spreads the 32 bits below the shard's over the capacity, which is no power of two. */
    private int home(long prefix) {
      return (int) ((((prefix << SHARD_BITS) >>> 32) * prefixes.length) >>> 32);
    }

    private int after(int slot) {
      return slot + 1 == prefixes.length ? 0 : slot + 1;
    }
  }
}
