package io.mapfs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel tells about the threads that make requests. */
final class Callers {
  /** SIGKILL's bit in a signal set; the kernel sets it for every signal that kills. */
  private static final long SIGKILL = 1L << 8;

  private Callers() {}

  /** Whether a thread is being killed, or is not there (or not to be seen from here). */
  static boolean isDying(int thread) {
    String status;
    try {
      byte[] bytes = Files.readAllBytes(Path.of("/proc", Integer.toString(thread), "status"));
      status = new String(bytes, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return true;
    }
    return ((set(status, "\nSigPnd:\t") | set(status, "\nShdPnd:\t")) & SIGKILL) != 0;
  }

  private static long set(String status, String label) {
    int start = status.indexOf(label) + label.length();
    return Long.parseUnsignedLong(status.substring(start, status.indexOf('\n', start)), 16);
  }
}
