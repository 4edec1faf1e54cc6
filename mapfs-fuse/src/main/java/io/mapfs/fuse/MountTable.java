package io.mapfs.fuse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The mounts that this process sees, from /proc/self/mountinfo (proc(5)): reading it asks no
 * filesystem anything, so that it never waits for a dead one.
 */
public final class MountTable {
  /** What stands before the node's name in a mount's source. */
  private static final String SOURCE_PREFIX = "mapfs:";

  private static final Path MOUNTINFO = Path.of("/proc/self/mountinfo");

  /**
   * One mount.
   *
   * @param id the kernel's number of it
   * @param major of the filesystem's device number, and {@code minor}
   * @param point where it is mounted
   * @param type such as {@code fuse.mapfs}
   * @param source such as {@code mapfs:web01}
   */
  public record Mount(int id, int major, int minor, String point, String type, String source) {
    /** Whether it shows the filesystem of that device number. */
    public boolean isOn(int otherMajor, int otherMinor) {
      return major == otherMajor && minor == otherMinor;
    }

    /** The node whose root MapFS shows here; empty for any other filesystem. */
    public Optional<String> node() {
      return type.equals(MountPoint.TYPE) && source.startsWith(SOURCE_PREFIX)
          ? Optional.of(source.substring(SOURCE_PREFIX.length()))
          : Optional.empty();
    }
  }

  private final List<Mount> mounts;

  private MountTable(List<Mount> mounts) {
    this.mounts = mounts;
  }

  /** The mounts as they are now. */
  public static MountTable read() throws IOException {
    return parse(new String(Files.readAllBytes(MOUNTINFO), StandardCharsets.ISO_8859_1));
  }

  /** Parses mountinfo's text, one char a byte. Lines that are not understood are left out. */
  static MountTable parse(String text) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : text.split("\n")) {
      int separator = line.indexOf(" - ");
      if (separator > 0) {
        String[] left = line.substring(0, separator).split(" ");
        String[] right = line.substring(separator + 3).split(" ");
        String[] device = left.length > 4 ? left[2].split(":") : new String[0];
        if (device.length == 2 && right.length > 1) {
          mounts.add(
              new Mount(
                  Integer.parseInt(left[0]),
                  Integer.parseInt(device[0]),
                  Integer.parseInt(device[1]),
                  unescape(left[4]),
                  right[0],
                  unescape(right[1])));
        }
      }
    }
    return new MountTable(mounts);
  }

  /** What one sees at that point: the mount that was made there last. */
  public Optional<Mount> at(Path point) {
    String wanted = point.toString();
    Mount last = null;
    for (Mount mount : mounts) {
      if (mount.point().equals(wanted)) {
        last = mount;
      }
    }
    return Optional.ofNullable(last);
  }

  /** Undoes the kernel's escapes (space, tab, newline and backslash as three octal digits). */
  private static String unescape(String field) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        bytes.write(Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
