package io.mapfs.node.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ControlServerTest {
  @TempDir Path directory;

  private ControlServer start(ControlServer.Handler handler) throws IOException {
    return ControlServer.start(
        new RunDirectory(directory.resolve("run")).prepareSocket("web01"), handler);
  }

  private Path socket() {
    return new RunDirectory(directory.resolve("run")).socket("web01");
  }

  @Test
  void answersAndPassesParameters() throws Exception {
    try (ControlServer server =
        start(
            (command, parameters) -> {
              JsonObject reply = new JsonObject();
              reply.addProperty("echo", command + parameters.get("x").getAsInt());
              return reply;
            })) {
      JsonObject parameters = new JsonObject();
      parameters.addProperty("x", 7);
      JsonObject reply = DaemonClient.ask(socket(), "status", parameters);
      assertEquals("status7", reply.get("echo").getAsString());
      assertEquals(
          "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
    }
    assertFalse(Files.exists(socket()));
  }

  @Test
  void passesTheDaemonsFailureOn() throws Exception {
    try (ControlServer server =
        start(
            (command, parameters) -> {
              throw new ApplianceException(FailureCode.CONFLICT, "busy");
            })) {
      ApplianceException e =
          assertThrows(
              ApplianceException.class,
              () -> DaemonClient.ask(socket(), "umount", new JsonObject()));
      assertEquals(FailureCode.CONFLICT, e.code());
      assertEquals("busy", e.getMessage());
    }
  }

  @Test
  void survivesAFaultAndGarbage() throws Exception {
    try (ControlServer server =
        start(
            (command, parameters) -> {
              if (command.equals("bad")) {
                throw new IllegalStateException("planted");
              }
              return new JsonObject();
            })) {
      assertThrows(
          ApplianceException.class, () -> DaemonClient.ask(socket(), "bad", new JsonObject()));
      try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
        channel.connect(UnixDomainSocketAddress.of(socket()));
        channel.write(ByteBuffer.wrap("}{\n".getBytes(StandardCharsets.UTF_8)));
        String reply = ControlLine.read(channel, 4096);
        assertTrue(reply.contains("\"ok\":false"), reply);
      }
      assertTrue(DaemonClient.ask(socket(), "good", new JsonObject()).get("ok").getAsBoolean());
    }
  }

  @Test
  void saysWhenNobodyListens() {
    ApplianceException e =
        assertThrows(
            ApplianceException.class, () -> DaemonClient.ask(socket(), "status", new JsonObject()));
    assertEquals(FailureCode.UNAVAILABLE, e.code());
  }
}
