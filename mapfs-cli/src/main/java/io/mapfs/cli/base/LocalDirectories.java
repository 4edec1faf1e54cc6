package io.mapfs.cli.base;

import java.nio.file.Path;

/**
 * Where this machine keeps what commands and daemons need, unless an option says otherwise: the
 * system's directories for root, the user's own for anybody else.
 */
public final class LocalDirectories {
  private LocalDirectories() {}

  /** Blocks and trees; can be deleted while nothing is mounted. */
  public static Path cache(Path given) {
    return directory(given, "/var/cache/mapfs", "XDG_CACHE_HOME", ".cache");
  }

  /** Nodes' changes until the appliance has them. */
  public static Path state(Path given) {
    return directory(given, "/var/lib/mapfs/nodes", "XDG_STATE_HOME", ".local/state");
  }

  /** Nodes' credentials. */
  public static Path credentials() {
    return directory(null, "/var/lib/mapfs", "XDG_STATE_HOME", ".local/state")
        .resolve("credentials");
  }

  /** Daemons' logs. */
  public static Path logs() {
    return directory(null, "/var/log/mapfs", "XDG_STATE_HOME", ".local/state");
  }

  private static Path directory(Path given, String system, String variable, String belowHome) {
    if (given != null) {
      return given.toAbsolutePath();
    }
    if ("root".equals(System.getProperty("user.name"))) {
      return Path.of(system);
    }
    String base = System.getenv(variable);
    Path own =
        base == null || base.isEmpty()
            ? Path.of(System.getProperty("user.home"), belowHome)
            : Path.of(base);
    return own.resolve("mapfs");
  }
}
