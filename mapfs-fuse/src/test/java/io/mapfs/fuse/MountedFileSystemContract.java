package io.mapfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class MountedFileSystemContract {
  private TestMount mount;

  protected abstract String frontEnd();

  @BeforeAll
  void mount() throws IOException {
    TestMount.assumePossible();
    mount = TestMount.start(frontEnd());
    assertTrue(mount.greeting().startsWith("ready "), mount.greeting());
    System.out.println(mount.greeting());
  }

  @AfterAll
  void unmount() throws IOException {
    if (mount != null) {
      mount.close();
    }
  }

  @Test
  void createsWritesAndReads() throws Exception {
    assertEquals("hello", mount.sh("echo hello >a; cat a"));
    assertEquals("a", mount.sh("ls"));
  }
}
