package io.mapfs.fuse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs umount(8). umount(2) waits for the filesystem to write its dirty pages back, and so for the
 * daemon: not a call that the daemon may make itself.
 */
public final class Unmounting {
  private Unmounting() {}

  /** Unmounts; false if it could not be done in time, most often because the mount is in use. */
  public static boolean gracefully(Path mountPoint, Duration limit)
      throws IOException, InterruptedException {
    return umount(mountPoint, limit, List.of());
  }

  /** Takes the mount out of the tree of names, whoever uses it. */
  public static boolean lazily(Path mountPoint, Duration limit)
      throws IOException, InterruptedException {
    return umount(mountPoint, limit, List.of("-l"));
  }

  private static boolean umount(Path mountPoint, Duration limit, List<String> options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add("umount");
    command.addAll(options);
    command.add(mountPoint.toString());
    Process process =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.PIPE)
            .start();
    process.getOutputStream().close();
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        return false;
      }
      // Read to the end so that nothing of it is left; what it says is the caller's to put better.
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.exitValue() == 0 || said.contains("not mounted");
    } catch (InterruptedException e) {
      process.destroyForcibly();
      throw e;
    }
  }
}
