package io.mapfs.core.wire;

/** What this release speaks. */
public final class Protocol {
  /** Lowest protocol version that this release understands. */
  public static final int LOWEST_VERSION = 1;

  /** Highest one. */
  public static final int HIGHEST_VERSION = 1;

  /** The appliance keeps late tails aside: {@link Message.OpenTail}, {@link Message.AppendTail}. */
  public static final long FEATURE_TAILS = 1;

  /** A head's rows say which pages of a block are the overlay's own: {@link Message.HeadRows}. */
  public static final long FEATURE_OWN_PAGES = 2;

  /** A mounted node is told when its quota changes: {@link Message.ChangeQuota}. */
  public static final long FEATURE_QUOTA = 4;

  /** Feature bits that this release understands. */
  public static final long FEATURES = FEATURE_TAILS | FEATURE_OWN_PAGES | FEATURE_QUOTA;

  /** First bytes of a Hello's payload: "MAPFS" and a zero. */
  static final byte[] MAGIC = {'M', 'A', 'P', 'F', 'S', 0};

  private Protocol() {}

  /**
   * The version that both ends speak.
   *
   * @throws ApplianceException INCOMPATIBLE if there is none
   */
  public static int commonVersion(Message.Hello hello) throws ApplianceException {
    int version = Math.min(hello.highestVersion(), HIGHEST_VERSION);
    if (version < hello.lowestVersion() || version < LOWEST_VERSION) {
      throw new ApplianceException(
          FailureCode.INCOMPATIBLE,
          "the appliance speaks protocol "
              + versions(LOWEST_VERSION, HIGHEST_VERSION)
              + ", this client "
              + versions(hello.lowestVersion(), hello.highestVersion())
              + " ("
              + hello.software()
              + "); install the same MapFS release on both");
    }
    return version;
  }

  private static String versions(int lowest, int highest) {
    return lowest == highest ? "version " + lowest : "versions " + lowest + " to " + highest;
  }
}
