package io.mapfs.core.overlay;

/**
 * How an overlay is run. Times are milliseconds.
 *
 * @param durability what fsync waits for
 * @param quotaBytes most bytes of own content; 0 for unlimited
 * @param sealIntervalMillis longest time that a change stays in the open batch
 * @param waitLimitMillis longest time that an fsync waits for the appliance, or a write for room,
 *     before it fails with EIO; nothing is discarded
 * @param unacknowledgedBytesMax most page bytes that the appliance has not acknowledged; past it
 *     writes wait
 * @param cachedInodesMax own inodes kept in the heap that are not being changed
 * @param linksMax most links of an inode; of a directory two and its subdirectories
 */
public record OverlayConfig(
    Durability durability,
    long quotaBytes,
    long sealIntervalMillis,
    long waitLimitMillis,
    long unacknowledgedBytesMax,
    int cachedInodesMax,
    int linksMax) {

  /** As XFS has it. */
  private static final int LINKS_MAX = Integer.MAX_VALUE;

  /**
   * The defaults: strict, no quota, sealed every second, 30 seconds' patience, 512 MiB, 65,536,
   * {@link #LINKS_MAX}.
   */
  public static OverlayConfig defaults() {
    return new OverlayConfig(Durability.STRICT, 0, 1_000, 30_000, 512L << 20, 65_536, LINKS_MAX);
  }

  public OverlayConfig withDurability(Durability other) {
    return new OverlayConfig(
        other,
        quotaBytes,
        sealIntervalMillis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        cachedInodesMax,
        linksMax);
  }

  public OverlayConfig withQuotaBytes(long bytes) {
    return new OverlayConfig(
        durability,
        bytes,
        sealIntervalMillis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        cachedInodesMax,
        linksMax);
  }

  public OverlayConfig withSealIntervalMillis(long millis) {
    return new OverlayConfig(
        durability,
        quotaBytes,
        millis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        cachedInodesMax,
        linksMax);
  }

  public OverlayConfig withWaitLimitMillis(long millis) {
    return new OverlayConfig(
        durability,
        quotaBytes,
        sealIntervalMillis,
        millis,
        unacknowledgedBytesMax,
        cachedInodesMax,
        linksMax);
  }

  public OverlayConfig withUnacknowledgedBytesMax(long bytes) {
    return new OverlayConfig(
        durability,
        quotaBytes,
        sealIntervalMillis,
        waitLimitMillis,
        bytes,
        cachedInodesMax,
        linksMax);
  }

  public OverlayConfig withCachedInodesMax(int count) {
    return new OverlayConfig(
        durability,
        quotaBytes,
        sealIntervalMillis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        count,
        linksMax);
  }

  public OverlayConfig withLinksMax(int count) {
    return new OverlayConfig(
        durability,
        quotaBytes,
        sealIntervalMillis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        cachedInodesMax,
        count);
  }
}
