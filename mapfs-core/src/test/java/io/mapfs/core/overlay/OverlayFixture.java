package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockReader;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.ManualClock;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** An overlay over a small version, with a model of the appliance behind it. */
final class OverlayFixture implements AutoCloseable {
  static final String NODE = "web01";

  final ManualClock clock = new ManualClock();
  final Path directory;
  final RepositoryTree base;
  final ApplianceModel appliance;
  final Map<Integer, RepositoryTree> older = new HashMap<>();
  OverlayConfig config =
      OverlayConfig.defaults()
          .withSealIntervalMillis(3_600_000)
          .withWaitLimitMillis(10_000)
          .withCachedInodesMax(8);
  BlockReader reader;
  FileClock usedClock = clock;
  JournalShipper shipper;
  LocalFiles files = new PosixFiles();
  long journalSegmentBytes = LocalJournal.SEGMENT_BYTES;
  int pageSegmentSlots = PageLog.SEGMENT_SLOTS;
  OverlayFileSystem fs;

  /** Whether the last mount had to fetch the head. */
  boolean fetched;

  private long epoch;

  OverlayFixture(Path directory, RepositoryTree base, BlockReader blocks) {
    this.directory = directory;
    this.base = base;
    this.appliance = new ApplianceModel(blocks, base);
    this.reader = appliance;
    this.shipper = appliance;
  }

  /** Mounts as the daemon does: sends the tail, fetches the head if the copy is of no use. */
  OverlayFixture mount() throws IOException, FsException {
    epoch++;
    OverlayState state = open();
    for (OverlayState.TailRecord tail : state.tail(appliance.sequence())) {
      appliance.ship(tail.record(), tail.pages()).join();
    }
    boolean usable =
        state.isUsableAt(
            NODE, base.master(), base.version(), appliance.sequence(), appliance.hash(), 0);
    fetched = !usable;
    if (fetched) {
      state.load(appliance.headRows(7), appliance.position(NODE, epoch, base));
    }
    state.beginMount(epoch, 0, 0);
    fs =
        OverlayFileSystem.mount(
            config, state, versions(), reader, ReadListener.NONE, shipper, usedClock);
    return this;
  }

  OverlayState open() throws IOException {
    return open(directory);
  }

  OverlayState open(Path directory) throws IOException {
    return OverlayState.open(directory, files, journalSegmentBytes, pageSegmentSlots);
  }

  Versions versions() {
    return new Versions() {
      @Override
      public RepositoryTree current() {
        return base;
      }

      @Override
      public RepositoryTree get(int version) throws IOException {
        RepositoryTree tree = older.get(version);
        if (tree == null) {
          throw new IOException("no version " + version);
        }
        return tree;
      }
    };
  }

  /** Closes cleanly. */
  void unmount() throws IOException {
    OverlayFileSystem mounted = fs;
    fs = null;
    mounted.close();
  }

  /** Stops as kill -9 does. */
  void crash() throws IOException {
    OverlayFileSystem mounted = fs;
    fs = null;
    mounted.crash();
  }

  @Override
  public void close() throws IOException {
    if (fs != null) {
      crash();
    }
  }
}
