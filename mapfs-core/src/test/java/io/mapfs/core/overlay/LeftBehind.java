package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.file.Path;

/** The local state that a killed daemon leaves. */
public final class LeftBehind {
  private LeftBehind() {}

  /**
   * State of the node {@code web01}, whose records make one directory each, under epoch 1.
   *
   * @param acknowledged records that the appliance has
   * @param unsent records after these, which it has not
   * @return opened; the caller's to close
   */
  public static OverlayState records(Path temp, int acknowledged, int unsent)
      throws IOException, FsException {
    TestTrees trees = TestTrees.of("debian").file("/text", "the version's");
    OverlayFixture fixture =
        new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.mount();
    for (int i = 0; i < acknowledged + unsent; i++) {
      if (i == acknowledged) {
        fixture.appliance.failNext(1_000_000);
      }
      fixture.fs.mkdir(TestContext.root(), NodeId.ROOT, Name.of("d" + i), 0755);
      if (i < acknowledged) {
        fixture.fs.barrier(TestContext.root());
      } else {
        fixture.fs.sealNow();
      }
    }
    fixture.crash();
    return fixture.open();
  }
}
