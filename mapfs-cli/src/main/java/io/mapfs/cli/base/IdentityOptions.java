package io.mapfs.cli.base;

import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where a node's credential is. */
public final class IdentityOptions {
  @Option(
      names = "--identity",
      paramLabel = "FILE",
      description =
          "The node's credential, which 'mapfs node join' makes (default:"
              + " /var/lib/mapfs/credentials/NODE.pem).")
  private Path identity;

  /** Where it is, or is to be. */
  public Path file(String node) {
    return identity != null
        ? identity.toAbsolutePath()
        : LocalDirectories.credentials().resolve(node + ".pem");
  }

  /** The same, or {@code null} if nobody named a file and there is none in the usual place. */
  public Path existing(String node) {
    Path file = file(node);
    return identity != null || Files.exists(file) ? file : null;
  }
}
