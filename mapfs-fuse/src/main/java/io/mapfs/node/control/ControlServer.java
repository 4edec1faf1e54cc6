package io.mapfs.node.control;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests on the daemon's control socket, a few at a time. */
public final class ControlServer implements Closeable {
  /** Most bytes of a request line. */
  private static final int MAX_REQUEST_BYTES = 4096;

  private static final int MAX_THREADS = 4;
  private static final Logger log = LoggerFactory.getLogger(ControlServer.class);

  /** Carries a request out; blocks as long as it takes. */
  public interface Handler {
    JsonObject handle(String command, JsonObject parameters) throws ApplianceException;
  }

  private final Path socket;
  private final ServerSocketChannel server;
  private final Handler handler;
  private final ExecutorService workers =
      new ThreadPoolExecutor(
          0,
          MAX_THREADS,
          10,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          task -> {
            Thread thread = new Thread(task, "mapfs-control");
            thread.setDaemon(true);
            return thread;
          },
          new ThreadPoolExecutor.CallerRunsPolicy());

  private ControlServer(Path socket, ServerSocketChannel server, Handler handler) {
    this.socket = socket;
    this.server = server;
    this.handler = handler;
  }

  /** Listens on the path; a socket that a dead daemon left there is replaced. */
  public static ControlServer start(Path socket, Handler handler) throws IOException {
    Files.deleteIfExists(socket);
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      server.bind(UnixDomainSocketAddress.of(socket));
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    } catch (IOException e) {
      server.close();
      throw e;
    }
    ControlServer control = new ControlServer(socket, server, handler);
    Thread acceptor = new Thread(control::acceptAll, "mapfs-control-accept");
    acceptor.setDaemon(true);
    acceptor.start();
    return control;
  }

  private void acceptAll() {
    while (true) {
      try {
        SocketChannel connection = server.accept();
        workers.execute(() -> answer(connection));
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        log.warn("control socket {}: {}", socket, e.toString());
        return;
      }
    }
  }

  private void answer(SocketChannel connection) {
    try (connection) {
      JsonObject reply;
      try {
        JsonObject request =
            JsonParser.parseString(ControlLine.read(connection, MAX_REQUEST_BYTES))
                .getAsJsonObject();
        reply = handler.handle(request.get("command").getAsString(), request);
        reply.addProperty("ok", true);
      } catch (ApplianceException e) {
        reply = failure(e.code(), e.getMessage());
      } catch (JsonParseException | IllegalStateException | NullPointerException e) {
        reply = failure(FailureCode.INVALID, "not a control request: " + e.getMessage());
      } catch (RuntimeException e) {
        log.error("control request failed", e);
        reply = failure(FailureCode.INTERNAL, "the daemon failed: " + e + "; see its log");
      }
      ByteBuffer line = ByteBuffer.wrap((reply + "\n").getBytes(StandardCharsets.UTF_8));
      while (line.hasRemaining()) {
        connection.write(line);
      }
    } catch (IOException e) {
      log.debug("control connection broke: {}", e.toString());
    }
  }

  private static JsonObject failure(FailureCode code, String message) {
    JsonObject reply = new JsonObject();
    reply.addProperty("ok", false);
    reply.addProperty("code", code.number());
    reply.addProperty("message", message);
    return reply;
  }

  @Override
  public void close() throws IOException {
    server.close();
    workers.shutdown();
    try {
      // The answer to the umount that led here is still to be written.
      if (!workers.awaitTermination(15, TimeUnit.SECONDS)) {
        workers.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(socket);
  }
}
