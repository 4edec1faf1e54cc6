package io.mapfs.core.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.mapfs.core.kv.MemoryStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that fills up: a tmpfs of 1 MiB. Needs root. */
final class PackStoreFullDiskTest {
  @TempDir Path directory;
  private boolean mounted;

  @BeforeEach
  void mount() throws Exception {
    mounted = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory.toString());
    if (System.getenv("CI") != null) {
      assertTrue(mounted, "CI must be able to mount a tmpfs");
    }
    assumeTrue(mounted, "mounting a tmpfs needs root");
  }

  @AfterEach
  void unmount() throws Exception {
    if (mounted) {
      run("umount", "-l", directory.toString());
    }
  }

  @Test
  void whatWasStoredBeforeStaysReadableAndSpaceHeals() throws IOException {
    MemoryStore index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    List<StoredBlock> stored = new ArrayList<>();
    Path ballast = Files.write(directory.resolve("ballast"), new byte[300_000]);
    try (PackStore store = PackStore.open(directory, index)) {
      IOException full =
          assertThrows(
              IOException.class,
              () -> {
                for (int i = 0; i < 100; i++) {
                  StoredBlock block = block(i);
                  store.put(block);
                  stored.add(block);
                }
              });
      assertTrue(full.getMessage().contains("00000001.pack"), full.getMessage());
      assertTrue(full.getMessage().contains("No space left on device"), full.getMessage());
      assertEquals(1, full.getMessage().lines().count());
      assertTrue(stored.size() > 3);
      assertReadable(store, stored);
      store.sync();
      assertThrows(IOException.class, () -> store.put(block(200)), "still full");
    }
    try (PackStore store = PackStore.open(directory, index)) {
      assertReadable(store, stored);
      Files.delete(ballast);
      assertTrue(store.put(block(200)));
      stored.add(block(200));
      assertReadable(store, stored);
      store.sync();
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
    }
  }

  @Test
  void aPackThatCannotBeMadeLeavesNothing() throws IOException {
    Files.write(directory.resolve("ballast"), new byte[(1 << 20) - 8192]);
    MemoryStore index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    try (PackStore store = PackStore.open(directory, index)) {
      IOException full =
          assertThrows(
              IOException.class,
              () -> {
                store.put(block(1));
                store.put(block(2));
              });
      assertTrue(full.getMessage().contains("No space left on device"), full.getMessage());
    }
    PackStore.open(directory, index).close();
  }

  private static void assertReadable(PackStore store, List<StoredBlock> blocks) throws IOException {
    for (StoredBlock block : blocks) {
      assertArrayEquals(
          BlockCodec.decode(block), BlockCodec.decodeVerified(store.get(block.id()).orElseThrow()));
    }
  }

  private static StoredBlock block(int which) {
    byte[] content = new byte[BlockId.BLOCK_BYTES];
    new Random(which).nextBytes(content);
    return new BlockCodec().encode(ByteBuffer.wrap(content));
  }

  private static boolean run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).start().waitFor() == 0;
  }
}
