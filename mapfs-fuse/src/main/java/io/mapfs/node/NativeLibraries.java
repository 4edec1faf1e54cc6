package io.mapfs.node;

import io.mapfs.core.posix.Posix;
import io.mapfs.core.rocks.RocksStore;

/** What a daemon loads that takes long. */
public final class NativeLibraries {
  private NativeLibraries() {}

  /** Loads them beside what the caller does; need not be called. */
  public static void load() {
    Thread loading =
        new Thread(
            () -> {
              Posix.load();
              RocksStore.load();
            },
            "mapfs-load");
    loading.setDaemon(true);
    loading.start();
  }
}
