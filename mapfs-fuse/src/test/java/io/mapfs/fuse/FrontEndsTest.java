package io.mapfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileSystemOperations;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FrontEndsTest {
  private record Fake(String name, int preference, Optional<String> unavailable)
      implements FrontEnd {
    @Override
    public MountedFileSystem mount(FileSystemOperations operations, MountOptions options) {
      throw new UnsupportedOperationException();
    }
  }

  private static final FrontEnd GOOD = new Fake("good", 10, Optional.empty());
  private static final FrontEnd BETTER = new Fake("better", 20, Optional.empty());
  private static final FrontEnd BROKEN = new Fake("broken", 30, Optional.of("no /dev/fuse"));

  @Test
  void takesTheBestThatWorks() throws Exception {
    assertEquals(BETTER, FrontEnds.choose("auto", List.of(GOOD, BETTER, BROKEN)));
    assertEquals(GOOD, FrontEnds.choose("good", List.of(GOOD, BETTER, BROKEN)));
  }

  @Test
  void saysWhyThereIsNone() {
    String unknown =
        assertThrows(MountException.class, () -> FrontEnds.choose("x", List.of(GOOD, BETTER)))
            .getMessage();
    assertTrue(unknown.contains("'x'") && unknown.contains("auto, better, good"), unknown);
    String broken =
        assertThrows(MountException.class, () -> FrontEnds.choose("auto", List.of(BROKEN)))
            .getMessage();
    assertTrue(broken.contains("broken: no /dev/fuse"), broken);
  }

  @Test
  void knowsTheDirectOne() throws Exception {
    TestMount.assumePossible();
    assertEquals("direct", FrontEnds.named("auto").name());
  }
}
