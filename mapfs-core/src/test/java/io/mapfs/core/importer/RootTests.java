package io.mapfs.core.importer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.core.posix.Posix;
import org.junit.jupiter.api.Assumptions;

/** Tests that make owners, device nodes and mounts. */
public final class RootTests {
  private RootTests() {}

  /** Skips the test without root; fails it where CI promises root. */
  public static void requireRoot() {
    if ("true".equals(System.getenv("CI"))) {
      assertEquals(0, Posix.effectiveUid(), "CI runs the tests as root");
    }
    Assumptions.assumeTrue(Posix.effectiveUid() == 0, "needs root");
  }
}
