package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.FsException;
import io.mapfs.fuse.kernel.Failures;

/** Runs a callback's work so that libfuse gets a number, whatever is thrown. */
final class Answer {
  private Answer() {}

  /** A callback's work: 0 or a count. */
  @FunctionalInterface
  interface Work {
    int run(Request request) throws FsException;
  }

  /** The work's answer, or -errno. */
  static int to(String operation, Work work) {
    Request request = Worker.request();
    try {
      return work.run(request);
    } catch (Throwable thrown) {
      return -Failures.errno(thrown, operation, request.kernelNode()).number();
    }
  }
}
