package io.mapfs.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mount as the kernel has it, whichever front end made it: its place and its device number, by
 * which it is told from another mount at the same place.
 */
public final class KernelMount {
  private static final Logger LOG = LoggerFactory.getLogger(KernelMount.class);

  private final Path mountPoint;
  private final int id;
  private final int major;
  private final int minor;

  private KernelMount(Path mountPoint, int id, int major, int minor) {
    this.mountPoint = mountPoint;
    this.id = id;
    this.major = major;
    this.minor = minor;
  }

  /** The mount that was made last at a place, an absolute path free of symbolic links. */
  public static KernelMount at(Path mountPoint) throws IOException {
    MountTable.Mount mount =
        MountTable.read()
            .at(mountPoint)
            .orElseThrow(() -> new IOException("it is not in /proc/self/mountinfo"));
    return new KernelMount(mountPoint, mount.id(), mount.major(), mount.minor());
  }

  public Path mountPoint() {
    return mountPoint;
  }

  /** The kernel's number of it, which open files show as mnt_id (proc(5), fdinfo). */
  public int id() {
    return id;
  }

  public int major() {
    return major;
  }

  public int minor() {
    return minor;
  }

  /** Sets the kernel's readahead on this mount. */
  public void setReadAhead(int kib) {
    set("read_ahead_kb", Integer.toString(kib));
  }

  /**
   * Bounds what the kernel holds of this mount that is written and not handed over (Linux 6.2 and
   * later; a hundredth of the system's bound without it, or where that is less).
   */
  public void setDirtyBytesMax(long bytes) {
    try {
      if (Long.parseLong(Files.readString(setting("max_bytes")).trim()) > bytes) {
        set("max_bytes", Long.toString(bytes));
      }
    } catch (IOException | NumberFormatException e) {
      LOG.info("max_bytes stays at the kernel's default: {}", e.toString());
    }
  }

  private void set(String name, String value) {
    try {
      Files.writeString(setting(name), value);
    } catch (IOException e) {
      LOG.info("{} stays at the kernel's default: {}", name, e.toString());
    }
  }

  private Path setting(String name) {
    return Path.of("/sys/class/bdi", major + ":" + minor, name);
  }

  /**
   * As {@link MountedFileSystem#unmount}.
   *
   * @param limit the longest that each attempt may take
   */
  public MountedFileSystem.Unmounted unmount(Duration limit) throws IOException {
    Optional<MountTable.Mount> seen = MountTable.read().at(mountPoint);
    if (seen.isEmpty()) {
      return MountedFileSystem.Unmounted.ALREADY;
    }
    if (!seen.get().isOn(major, minor)) {
      throw new IOException(
          mountPoint + " is covered by another mount: unmount " + seen.get().source() + " first");
    }
    try {
      if (Unmounting.gracefully(mountPoint, limit)) {
        return MountedFileSystem.Unmounted.GRACEFUL;
      }
      if (Unmounting.lazily(mountPoint, limit)) {
        return MountedFileSystem.Unmounted.LAZY;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while unmounting " + mountPoint, e);
    }
    throw new IOException(mountPoint + " cannot be unmounted: try umount -l " + mountPoint);
  }
}
