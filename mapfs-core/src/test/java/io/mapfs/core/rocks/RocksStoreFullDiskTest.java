package io.mapfs.core.rocks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.mapfs.core.kv.KeyValueStore.Batch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that fills up: a tmpfs of 4 MiB. Needs root. */
final class RocksStoreFullDiskTest {
  @TempDir Path directory;
  private boolean mounted;

  @BeforeEach
  void mount() throws Exception {
    mounted = run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory.toString());
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
  void whatWasWrittenBeforeStaysReadable() throws IOException {
    Path database = directory.resolve("db");
    int written = 0;
    try (RocksStore store = RocksStore.open(database, RocksOptions.of("t"))) {
      while (written < 1000) {
        write(store, written);
        written++;
      }
    } catch (IOException e) {
      assertTrue(e.getMessage().contains("no space left"), e.getMessage());
      assertTrue(e.getMessage().contains(database.toString()), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
    }
    assertTrue(written > 10 && written < 1000, "written " + written);
    assertTrue(run("mount", "-o", "remount,size=32m", directory.toString()));
    try (RocksStore store = RocksStore.open(database, RocksOptions.of("t"))) {
      for (int i = 0; i < written; i++) {
        assertArrayEquals(value(i), store.get(store.table("t"), key(i)));
      }
      write(store, written);
    }
  }

  private static void write(RocksStore store, int which) throws IOException {
    try (Batch batch = store.batch()) {
      batch.put(store.table("t"), key(which), value(which));
      store.write(batch, true);
    }
  }

  private static byte[] key(int which) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(which).array();
  }

  private static byte[] value(int which) {
    byte[] value = new byte[50_000];
    new Random(which).nextBytes(value);
    return value;
  }

  private static boolean run(String... command) throws IOException {
    try {
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
