package io.mapfs.core.wire;

/**
 * Why the appliance refused a request. The number is the wire's; the exit code is the command's.
 */
public enum FailureCode {
  /** A fault of the appliance; its log has the details. */
  INTERNAL(1, 1),
  /** The request makes no sense: a bad name, a bad value. */
  INVALID(2, 2),
  /** There is no such master, version, node, snapshot, block. */
  NOT_FOUND(3, 3),
  /** It exists already, is mounted, is in use. */
  CONFLICT(4, 4),
  /** The asker has no right to it. */
  DENIED(5, 7),
  /** Not now: shutting down, too many requests, out of reach. */
  UNAVAILABLE(6, 5),
  /** Stored data fails its checksum. */
  CORRUPT(7, 6),
  /** The disk or a quota is full. */
  NO_SPACE(8, 8),
  /** The record's epoch is older than the lease's. */
  STALE_EPOCH(9, 4),
  /** The record's sequence leaves a gap. */
  GAP(10, 1),
  /** A different record stands at this sequence already. */
  FORK(11, 6),
  /** The record names a block that the appliance does not have. */
  MISSING_BLOCK(12, 1),
  /** No common protocol version, or a store of a newer format. */
  INCOMPATIBLE(13, 9);

  private final int number;
  private final int exitCode;

  FailureCode(int number, int exitCode) {
    this.number = number;
    this.exitCode = exitCode;
  }

  public int number() {
    return number;
  }

  /** The mapfs command's exit code for this failure. */
  public int exitCode() {
    return exitCode;
  }

  /**
   * Whether no record of the lease will be accepted any more: another epoch is in force, or another
   * record stands there. A gap passes: what comes before is sent again.
   */
  public boolean endsLease() {
    return this == STALE_EPOCH || this == FORK;
  }

  /** The code for a number; {@link #INTERNAL} for one that this release does not know. */
  public static FailureCode of(int number) {
    for (FailureCode code : values()) {
      if (code.number == number) {
        return code;
      }
    }
    return INTERNAL;
  }
}
