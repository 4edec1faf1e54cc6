package io.mapfs.core.overlay;

import java.io.IOException;
import java.nio.file.Path;

/** What tests in other modules may do with an overlay that programs may not. */
public final class OverlayAccess {
  private OverlayAccess() {}

  /** Opens a local copy whose files are small, so that they come and go often. */
  public static OverlayState open(Path directory, long journalSegmentBytes, int pageSegmentSlots)
      throws IOException {
    return OverlayState.open(directory, new PosixFiles(), journalSegmentBytes, pageSegmentSlots);
  }

  /** Most pages that the page log may have on disk for so many live ones. */
  public static long pagesMax(long livePages, int pageSegmentSlots) {
    // Twice what lives, spare segments, a round on its way: docs/format.md, "Page log".
    long segments = PageLog.SPARE_SEGMENTS + 1 + PageLog.VICTIMS_MAX;
    return 2 * livePages + segments * pageSegmentSlots;
  }

  /** What was changed since becomes a record of its own. */
  public static void cut(OverlayFileSystem overlay) {
    overlay.cutNow();
  }

  /** Stops as kill -9 does. */
  public static void crash(OverlayFileSystem overlay) throws IOException {
    overlay.crash();
  }

  /** How many records the local journal has. */
  public static long journalRecords(OverlayState state) {
    return state.journal().lastSequence() == 0
        ? 0
        : state.journal().lastSequence() - state.journal().firstSequence() + 1;
  }

  /** How many rows the index has. */
  public static int indexRows(OverlayState state) throws IOException {
    return state.index().dump().size();
  }
}
