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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk that fills up: a tmpfs of 4 MiB. Needs root. */
final class RocksStoreFullDiskTest {
  /** RocksDB looks for space every five seconds. */
  private static final int TRIES = 600;

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

  /** Nobody opens the store anew: it goes on by itself, with everything that it took. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void writesGoOnOnceThereIsSpaceAgain(boolean log) throws Exception {
    RocksOptions options = RocksOptions.of("t").withMemtableBytes(256 << 10);
    try (RocksStore store =
        RocksStore.open(directory.resolve("db"), log ? options : options.withoutLog())) {
      int written = 0;
      try {
        while (written < 1000) {
          write(store, written, log);
          written++;
        }
      } catch (IOException e) {
        assertTrue(e.getMessage().matches(".*(no space left|disk is full).*"), e.getMessage());
      }
      assertTrue(written > 10 && written < 1000, "written " + written);
      assertTrue(run("mount", "-o", "remount,size=64m", directory.toString()));
      for (int tries = 0; ; tries++) {
        try {
          write(store, written, true);
          break;
        } catch (IOException e) {
          if (tries == TRIES) {
            throw e;
          }
          Thread.sleep(100);
        }
      }
      for (int i = 0; i <= written; i++) {
        assertArrayEquals(value(i), store.get(store.table("t"), key(i)), "value " + i);
      }
      store.flush();
    }
    try (RocksStore store = RocksStore.open(directory.resolve("db"), options)) {
      assertArrayEquals(value(0), store.get(store.table("t"), key(0)));
    }
  }

  private static void write(RocksStore store, int which) throws IOException {
    write(store, which, true);
  }

  private static void write(RocksStore store, int which, boolean durable) throws IOException {
    try (Batch batch = store.batch()) {
      batch.put(store.table("t"), key(which), value(which));
      store.write(batch, durable);
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
