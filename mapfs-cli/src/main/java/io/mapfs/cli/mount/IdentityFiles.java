package io.mapfs.cli.mount;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What tells one machine from another in a root filesystem: its machine-id (machine-id(5)), its SSH
 * host keys, its random seed and the secret that seals its credentials (systemd-creds(1)).
 *
 * <p>Works on a mounted root from outside: follows no symbolic link in it.
 */
final class IdentityFiles {
  private static final String MACHINE_ID = "etc/machine-id";

  private static final List<String> SECRETS =
      List.of(
          "var/lib/dbus/machine-id",
          "var/lib/systemd/random-seed",
          "var/lib/systemd/credential.secret");

  private static final String SSH = "etc/ssh";
  private static final String HOST_KEYS = "ssh_host_*_key{,.pub}";

  private final Path root;
  private final List<String> renewed = new ArrayList<>();

  private IdentityFiles(Path root) {
    this.root = root;
  }

  /**
   * Takes the identity away: an empty machine-id is filled at the next boot, and host keys that
   * were there are made anew by ssh-keygen(1) where this machine has it.
   *
   * @return the files' paths from the root
   */
  static List<String> renew(Path root) throws IOException, InterruptedException {
    IdentityFiles files = new IdentityFiles(root);
    files.renew();
    return files.renewed;
  }

  private void renew() throws IOException, InterruptedException {
    Path machineId = root.resolve(MACHINE_ID);
    if (isOwnFile(machineId)) {
      Files.write(machineId, new byte[0]);
      renewed.add(MACHINE_ID);
    }
    for (String secret : SECRETS) {
      delete(root.resolve(secret));
    }
    int before = renewed.size();
    if (isOwnDirectory(root.resolve(SSH))) {
      try (DirectoryStream<Path> keys = Files.newDirectoryStream(root.resolve(SSH), HOST_KEYS)) {
        for (Path key : keys) {
          delete(key);
        }
      }
    }
    if (renewed.size() > before) {
      makeHostKeys();
    }
  }

  private void delete(Path file) throws IOException {
    if (isOwnFile(file)) {
      Files.delete(file);
      renewed.add(root.relativize(file).toString());
    }
  }

  private void makeHostKeys() throws IOException, InterruptedException {
    Process keygen;
    try {
      keygen =
          new ProcessBuilder("ssh-keygen", "-A", "-f", root.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      // It is not installed here. Most distributions make host keys at boot; ours are gone at
      // least.
      return;
    }
    if (keygen.waitFor() != 0) {
      throw new IOException("ssh-keygen -A -f " + root + " failed: make host keys there by hand");
    }
  }

  private boolean isOwnFile(Path file) {
    return isOwnDirectory(file.getParent()) && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
  }

  /** Whether no symbolic link leads there from the root. */
  private boolean isOwnDirectory(Path directory) {
    for (Path path = directory; !path.equals(root); path = path.getParent()) {
      if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        return false;
      }
    }
    return true;
  }
}
