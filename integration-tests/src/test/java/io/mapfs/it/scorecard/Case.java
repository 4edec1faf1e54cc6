package io.mapfs.it.scorecard;

import java.nio.file.Path;

/**
 * One promise of a local filesystem that overlays are known to break.
 *
 * @param promise its row's name in the table
 * @param source where the deviation is documented or was reported
 * @param preparation makes the case's directory as it is in the lower tree
 * @param check throws whatever shows that the promise is broken
 */
record Case(String promise, String source, Preparation preparation, Check check) {
  /** The section of the kernel's Documentation/filesystems/overlayfs.rst that tells of it. */
  static String kernel(String section) {
    return "overlayfs: " + section;
  }

  /** An issue or pull request of github.com/containers/fuse-overlayfs. */
  static String fuseOverlayfs(int issue) {
    return "fuse-overlayfs #" + issue;
  }

  /** Makes a lower directory. */
  interface Preparation {
    void in(Path lowerDirectory) throws Exception;
  }

  /** Tries the promise in a mount. */
  interface Check {
    void on(Scene scene) throws Exception;
  }

  @Override
  public String toString() {
    return promise;
  }
}
