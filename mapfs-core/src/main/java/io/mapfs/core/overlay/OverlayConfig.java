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
 */
public record OverlayConfig(
    Durability durability,
    long quotaBytes,
    long sealIntervalMillis,
    long waitLimitMillis,
    long unacknowledgedBytesMax,
    int cachedInodesMax) {

  /** The defaults: strict, no quota, sealed every second, 30 seconds' patience, 512 MiB, 65,536. */
  public static OverlayConfig defaults() {
    return new OverlayConfig(Durability.STRICT, 0, 1_000, 30_000, 512L << 20, 65_536);
  }

  public OverlayConfig withDurability(Durability other) {
    return new OverlayConfig(
        other,
        quotaBytes,
        sealIntervalMillis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        cachedInodesMax);
  }

  public OverlayConfig withQuotaBytes(long bytes) {
    return new OverlayConfig(
        durability,
        bytes,
        sealIntervalMillis,
        waitLimitMillis,
        unacknowledgedBytesMax,
        cachedInodesMax);
  }

  public OverlayConfig withSealIntervalMillis(long millis) {
    return new OverlayConfig(
        durability, quotaBytes, millis, waitLimitMillis, unacknowledgedBytesMax, cachedInodesMax);
  }

  public OverlayConfig withWaitLimitMillis(long millis) {
    return new OverlayConfig(
        durability,
        quotaBytes,
        sealIntervalMillis,
        millis,
        unacknowledgedBytesMax,
        cachedInodesMax);
  }

  public OverlayConfig withUnacknowledgedBytesMax(long bytes) {
    return new OverlayConfig(
        durability, quotaBytes, sealIntervalMillis, waitLimitMillis, bytes, cachedInodesMax);
  }

  public OverlayConfig withCachedInodesMax(int count) {
    return new OverlayConfig(
        durability, quotaBytes, sealIntervalMillis, waitLimitMillis, unacknowledgedBytesMax, count);
  }
}
