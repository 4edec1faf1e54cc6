package io.mapfs.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A cgroup of its own, of version 2 or 1, whose processes have so much memory, caches included. */
final class MemoryLimit implements AutoCloseable {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");

  private final Path group;

  private MemoryLimit(Path group) {
    this.group = group;
  }

  /** Skips the test where no such group can be made: containers often have none of their own. */
  static MemoryLimit of(long bytes) throws IOException {
    boolean two = Files.exists(ROOT.resolve("cgroup.controllers"));
    Path parent = two ? ROOT : ROOT.resolve("memory");
    Path limit = Path.of(two ? "memory.max" : "memory.limit_in_bytes");
    Path group = parent.resolve("mapfs-it-" + ProcessHandle.current().pid());
    try {
      if (two) {
        Files.writeString(ROOT.resolve("cgroup.subtree_control"), "+memory");
      }
      Files.createDirectory(group);
      Files.writeString(group.resolve(limit), Long.toString(bytes));
    } catch (IOException e) {
      Files.deleteIfExists(group);
      assumeTrue(false, "no cgroup with a memory limit can be made: " + e.getMessage());
    }
    return new MemoryLimit(group);
  }

  void add(long pid) throws IOException {
    Files.writeString(group.resolve("cgroup.procs"), Long.toString(pid));
  }

  /** A shell's words that put the shell itself into the group. */
  String enter() {
    return "echo $$ >" + group.resolve("cgroup.procs") + "; ";
  }

  /** Its processes go back to the root. */
  @Override
  public void close() throws IOException {
    for (String pid : Files.readAllLines(group.resolve("cgroup.procs"))) {
      Files.writeString(group.resolveSibling("cgroup.procs"), pid);
    }
    Files.delete(group);
  }
}
