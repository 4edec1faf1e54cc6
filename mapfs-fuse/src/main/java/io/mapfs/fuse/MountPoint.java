package io.mapfs.fuse;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sees that a directory can be mounted on, and clears away what a killed daemon left there. */
public final class MountPoint {
  /** The type that MapFS's mounts carry in /proc/mounts. */
  public static final String TYPE = "fuse.mapfs";

  private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);
  private static final Duration PROBE_LIMIT = Duration.ofSeconds(2);
  private static final Duration UNMOUNT_LIMIT = Duration.ofSeconds(10);

  private MountPoint() {}

  /**
   * The directory's real path.
   *
   * @throws MountException if it is not an empty directory, or MapFS is already mounted there
   */
  public static Path prepare(Path given) throws MountException {
    Path absolute = given.toAbsolutePath().normalize();
    try {
      clearDead(absolute);
      Path real = absolute.toRealPath();
      clearDead(real);
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(real)) {
        if (entries.iterator().hasNext()) {
          throw new MountException(
              "mount point " + real + " is not empty: choose an empty directory");
        }
      }
      return real;
    } catch (NotDirectoryException e) {
      throw new MountException("mount point " + given + " is not a directory", e);
    } catch (java.nio.file.NoSuchFileException e) {
      throw new MountException(
          "mount point " + given + " does not exist: create it with mkdir -p", e);
    } catch (MountException e) {
      throw e;
    } catch (IOException e) {
      throw new MountException("mount point " + given + " cannot be used: " + e, e);
    }
  }

  private static void clearDead(Path point) throws IOException {
    Optional<MountTable.Mount> mount = MountTable.read().at(point);
    if (mount.isEmpty()) {
      return;
    }
    String source = mount.get().source();
    if (!mount.get().type().equals(TYPE)) {
      throw new MountException(
          point + " has " + source + " mounted on it already: umount " + point + " first");
    }
    if (answers(point)) {
      throw new MountException(
          source + " is already mounted at " + point + ": mapfs umount " + point + " first");
    }
    LOG.warn("{} at {} has lost its daemon; unmounting what is left", source, point);
    try {
      if (!Unmounting.lazily(point, UNMOUNT_LIMIT)) {
        throw new MountException(point + " has lost its daemon: umount -l " + point + " first");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MountException("interrupted while unmounting " + point, e);
    }
  }

  /**
   * Whether a daemon answers there, or may yet. statfs always asks it, and fails at once with
   * ENOTCONN where the connection is dead; one that hangs is someone's live mount.
   */
  private static boolean answers(Path point) throws IOException {
    CompletableFuture<Boolean> probe = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                probe.complete(Files.getFileStore(point).getTotalSpace() >= 0);
              } catch (IOException e) {
                probe.complete(false);
              }
            },
            "fuse-probe");
    thread.setDaemon(true);
    thread.start();
    try {
      return probe.get(PROBE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return true;
    } catch (ExecutionException e) {
      throw new IOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
