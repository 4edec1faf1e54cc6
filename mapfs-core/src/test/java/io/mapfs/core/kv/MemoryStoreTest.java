package io.mapfs.core.kv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import org.junit.jupiter.api.Test;

final class MemoryStoreTest extends KeyValueStoreContract {
  @Override
  protected KeyValueStore open() {
    return new MemoryStore("one", "two");
  }

  @Test
  void aPowerCutLeavesWhatWasDurable() throws IOException {
    put(store.table("one"), "a", "1");
    store.flush();
    put(store.table("one"), "b", "1");
    MemoryStore survivor = ((MemoryStore) store).afterPowerCut();
    assertArrayEquals(bytes("1"), survivor.get(survivor.table("one"), bytes("a")));
    assertNull(survivor.get(survivor.table("one"), bytes("b")));
  }
}
