package io.mapfs.node.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** Reads one line of bounded length. */
final class ControlLine {
  private ControlLine() {}

  static String read(SocketChannel channel, int maxBytes) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    ByteBuffer chunk = ByteBuffer.allocate(1024);
    while (channel.read(chunk) >= 0) {
      chunk.flip();
      while (chunk.hasRemaining()) {
        byte b = chunk.get();
        if (b == '\n') {
          return line.toString(StandardCharsets.UTF_8);
        }
        line.write(b);
        if (line.size() > maxBytes) {
          throw new IOException("line longer than " + maxBytes + " bytes");
        }
      }
      chunk.clear();
    }
    throw new IOException("connection closed in the middle of a line");
  }
}
