package io.mapfs.it.programs;

import io.mapfs.it.Requirements;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;

/** A node that is mounted by the {@code direct} front end, and shells that work in it. */
final class NodeMount implements AutoCloseable {
  private static final String NODE = "web01";

  private final Sandbox user;
  private Path root;

  private NodeMount(Sandbox user) {
    this.user = user;
  }

  /** A node whose master is a copy of this directory. */
  static NodeMount of(Path master) throws Exception {
    Sandbox user = new Sandbox();
    try {
      user.withAppliance();
      user.run("repo", "import", "master", master.toString()).ok();
      user.run("node", "add", NODE, "--master", "master").ok();
      NodeMount mount = new NodeMount(user);
      mount.mount();
      return mount;
    } catch (Exception | AssertionError e) {
      user.close();
      throw e;
    }
  }

  static void requireProgram(String path) {
    Requirements.require(Files.isExecutable(Path.of(path)), "there is no " + path);
  }

  Path root() {
    return root;
  }

  private void mount() throws Exception {
    root = user.mount(NODE, "--front-end", "direct");
  }

  void remount() throws Exception {
    user.umount(root).ok();
    mount();
  }

  /** Runs a shell's command in a directory of the mount, which is made: what it said. */
  String sh(String directory, String command) throws Exception {
    Path work = Files.createDirectories(root.resolve(directory));
    return Sandbox.shell("cd \"$1\"; " + command, work);
  }

  @Override
  public void close() throws Exception {
    user.close();
  }
}
