package io.mapfs.cli.mount;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A daemon's command line, handed over a pipe to the process that was started before it was known:
 * their number, then the arguments, a zero byte after each. Without all of them there are none.
 */
final class DaemonArguments {
  /** The one argument of a process that is to read its command line from its standard input. */
  static final String AWAIT = "--await";

  /** Most bytes of a command line: what execve(2) takes of one argument (MAX_ARG_STRLEN). */
  private static final int MAX_BYTES = 128 * 1024;

  private DaemonArguments() {}

  /** Writes and closes. */
  static void write(OutputStream pipe, List<String> arguments) throws IOException {
    StringBuilder text = new StringBuilder().append(arguments.size()).append('\0');
    for (String argument : arguments) {
      text.append(argument).append('\0');
    }
    try (pipe) {
      pipe.write(text.toString().getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Reads to the end and closes; none if the starter has changed its mind, or died. */
  static List<String> read(InputStream pipe) throws IOException {
    byte[] all;
    try (pipe) {
      all = pipe.readNBytes(MAX_BYTES);
    }
    List<String> words = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < all.length; i++) {
      if (all[i] == 0) {
        words.add(new String(all, start, i - start, StandardCharsets.UTF_8));
        start = i + 1;
      }
    }
    boolean whole = !words.isEmpty() && words.get(0).equals(String.valueOf(words.size() - 1));
    return whole ? words.subList(1, words.size()) : List.of();
  }
}
