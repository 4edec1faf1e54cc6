package io.mapfs.core.security;

import java.net.InetAddress;

/** Where connections may do without TLS. */
public final class PlainTcp {
  /** The environment variable that allows it anywhere: for network namespaces of tests. */
  private static final String TEST_NETWORK = "MAPFS_TEST_NETWORK";

  private PlainTcp() {}

  /** On this machine itself; both ends ask. */
  public static boolean isAllowed(InetAddress address) {
    return address.isLoopbackAddress() || "plain".equals(System.getenv(TEST_NETWORK));
  }
}
