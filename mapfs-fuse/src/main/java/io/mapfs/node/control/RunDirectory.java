package io.mapfs.node.control;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * Where daemons of this machine keep their control sockets: {@code NODE.sock} in {@code
 * $MAPFS_RUN}, or in /run/mapfs.
 */
public final class RunDirectory {
  private static final String SUFFIX = ".sock";

  private final Path directory;

  public RunDirectory(Path directory) {
    this.directory = directory;
  }

  /** The one that the environment names, or the default. */
  public static RunDirectory ofEnvironment() {
    String named = System.getenv("MAPFS_RUN");
    return new RunDirectory(
        Path.of(named == null || named.isEmpty() ? "/run/mapfs" : named).toAbsolutePath());
  }

  /** Makes the directory, for its owner alone, and returns the node's socket path. */
  public Path prepareSocket(String node) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    return socket(node);
  }

  public Path socket(String node) {
    return directory.resolve(node + SUFFIX);
  }

  /** Nodes that have a socket here, whether or not their daemon still lives. */
  public List<String> nodes() throws IOException {
    List<String> nodes = new ArrayList<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> sockets = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
        for (Path socket : sockets) {
          String name = String.valueOf(socket.getFileName());
          nodes.add(name.substring(0, name.length() - SUFFIX.length()));
        }
      }
    }
    nodes.sort(null);
    return nodes;
  }
}
