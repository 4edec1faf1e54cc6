package io.mapfs.core.wire;

/** What goes first where requests compete. The order of the constants is the order of service. */
public enum Priority {
  /** A commit, a lease, a control request: someone waits for durability or for an answer. */
  JOURNAL(0),
  /** A read that a program waits for. */
  DEMAND(1),
  /** A read ahead, or a bulk transfer: nobody waits for it yet. */
  PREFETCH(2);

  private static final Priority[] BY_CODE = values();

  private final int code;

  Priority(int code) {
    this.code = code;
  }

  /** The two bits in a frame's flags. */
  public int code() {
    return code;
  }

  /** The priority of two flag bits; {@link #PREFETCH} for the code that means nothing. */
  public static Priority of(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : PREFETCH;
  }
}
