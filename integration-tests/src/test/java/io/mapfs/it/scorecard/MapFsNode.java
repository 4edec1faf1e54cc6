package io.mapfs.it.scorecard;

import io.mapfs.it.Sandbox;
import java.nio.file.Path;

/** A node on an appliance of its own, by the {@code direct} front end. */
final class MapFsNode extends Candidate {
  private static final String NODE = "web01";

  private final Sandbox user;
  private Path root;

  MapFsNode(Sandbox user, Path lower) throws Exception {
    super("MapFS");
    this.user = user;
    user.withAppliance();
    user.run("repo", "import", "lower", lower.toString()).ok();
    user.run("node", "add", NODE, "--master", "lower").ok();
  }

  @Override
  Path root() {
    return root;
  }

  @Override
  void mount() throws Exception {
    root = user.mount(NODE, "--front-end", "direct");
  }

  @Override
  void unmount() throws Exception {
    user.umount(root).ok();
  }

  /** The node's own state, and the appliance's store, which has the repository already. */
  @Override
  Path[] changes() {
    return new Path[] {user.path("state"), user.path("store")};
  }
}
