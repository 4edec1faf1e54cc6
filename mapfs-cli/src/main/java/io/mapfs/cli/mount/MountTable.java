package io.mapfs.cli.mount;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is mounted, as /proc/self/mountinfo says (proc_pid_mountinfo(5)). */
final class MountTable {
  private static final Path FILE = Path.of("/proc/self/mountinfo");

  /** The fields before the separator that matter here; the separator's place varies. */
  private static final int MOUNT_POINT_FIELD = 4;

  /**
   * One mount.
   *
   * @param mountPoint absolute, symbolic links resolved
   * @param type such as {@code fuse.mapfs}
   * @param source such as {@code mapfs:web01}
   */
  record Mount(Path mountPoint, String type, String source) {
    /** The node that a daemon of ours serves here; empty for any other filesystem. */
    Optional<String> node() {
      return source.startsWith("mapfs:")
          ? Optional.of(source.substring("mapfs:".length()))
          : Optional.empty();
    }
  }

  private final List<Mount> mounts;

  private MountTable(List<Mount> mounts) {
    this.mounts = mounts;
  }

  static MountTable read() throws IOException {
    // Not readAllLines: some mount point's name may not be UTF-8.
    return parse(new String(Files.readAllBytes(FILE), StandardCharsets.UTF_8).lines().toList());
  }

  static MountTable parse(List<String> lines) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : lines) {
      int separator = line.indexOf(" - ");
      String[] before = line.split(" ");
      String[] after = line.substring(separator + 3).split(" ");
      mounts.add(
          new Mount(
              Path.of(unescape(before[MOUNT_POINT_FIELD])), after[0], unescape(after[1])));
    }
    return new MountTable(mounts);
  }

  /** The uppermost mount at exactly this path. */
  Optional<Mount> at(Path mountPoint) {
    return mounts.stream()
        .filter(mount -> mount.mountPoint().equals(mountPoint))
        .reduce((lower, upper) -> upper);
  }

  /** Blanks, tabs, line feeds and backslashes stand as three octal digits. */
  private static String unescape(String field) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < field.length(); i++) {
      if (field.charAt(i) == '\\' && i + 3 < field.length()) {
        text.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        text.append(field.charAt(i));
      }
    }
    return text.toString();
  }
}
