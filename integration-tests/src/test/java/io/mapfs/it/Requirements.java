package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What tests need of the machine: without it they are skipped, but in CI (CI=true) they fail. */
public final class Requirements {
  private Requirements() {}

  public static void require(boolean there, String what) {
    if ("true".equals(System.getenv("CI"))) {
      assertTrue(there, what);
    } else {
      assumeTrue(there, what);
    }
  }

  public static void mounts() {
    require("root".equals(System.getProperty("user.name")), "mounting needs root");
    require(Files.exists(Path.of("/dev/fuse")), "there is no /dev/fuse");
  }

  /** The launcher of the packaged distribution. */
  static Path launcher() throws IOException {
    Path target = Path.of("..", "mapfs-cli", "target").toAbsolutePath().normalize();
    Path found = null;
    if (Files.isDirectory(target)) {
      try (DirectoryStream<Path> distributions = Files.newDirectoryStream(target, "mapfs-*")) {
        for (Path distribution : distributions) {
          Path launcher = distribution.resolve("bin/mapfs");
          if (Files.isExecutable(launcher)) {
            found = launcher;
          }
        }
      }
    }
    require(found != null, "no distribution in " + target + "; run ./mvnw verify");
    return found;
  }
}
