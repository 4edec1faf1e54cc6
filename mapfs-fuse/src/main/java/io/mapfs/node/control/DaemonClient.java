package io.mapfs.node.control;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Asks a running node daemon of this machine. */
public final class DaemonClient {
  private static final int MAX_REPLY_BYTES = 1 << 20;

  private DaemonClient() {}

  /**
   * Sends a command and waits for its answer.
   *
   * @throws ApplianceException with the daemon's own failure, or UNAVAILABLE if none listens
   */
  public static JsonObject ask(Path socket, String command, JsonObject parameters)
      throws ApplianceException {
    JsonObject request = parameters.deepCopy();
    request.addProperty("command", command);
    JsonObject reply;
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      ByteBuffer line = ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8));
      while (line.hasRemaining()) {
        channel.write(line);
      }
      reply = JsonParser.parseString(ControlLine.read(channel, MAX_REPLY_BYTES)).getAsJsonObject();
    } catch (IOException e) {
      throw new ApplianceException(
          FailureCode.UNAVAILABLE,
          "no daemon answers at " + socket + " (" + e.getMessage() + "); is the node mounted here?",
          e);
    }
    if (!reply.get("ok").getAsBoolean()) {
      throw new ApplianceException(
          FailureCode.of(reply.get("code").getAsInt()), reply.get("message").getAsString());
    }
    return reply;
  }
}
