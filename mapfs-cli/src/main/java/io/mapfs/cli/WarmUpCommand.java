package io.mapfs.cli;

import com.google.gson.JsonParser;
import io.mapfs.cli.base.Release;
import io.mapfs.cli.log.LogFile;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.security.CertificateAuthority;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Role;
import io.mapfs.server.ApplianceService;
import io.mapfs.server.net.BlockServer;
import io.mapfs.server.net.ServerConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;

/**
 * Loads what commands and daemons load, so that the launcher can archive the classes and they start
 * in half the time. Touches nothing outside this process: the appliance that it asks is one of its
 * own that knows no answer.
 */
@Command(name = "warm-up", hidden = true, header = "Load classes for the launcher's archive.")
final class WarmUpCommand implements Callable<Integer> {
  private static final String CLUSTER = "0".repeat(32);
  private static final String OURS = "io/mapfs/";
  private static final String CLASS = ".class";

  @Override
  public Integer call() throws IOException {
    LogFile.use(LogFile.STANDARD_ERROR);
    LoggerFactory.getLogger(WarmUpCommand.class).info("one line, as daemons write them: {}", this);
    loadOurs();
    Posix.effectiveUid();
    CertificateAuthority authority = CertificateAuthority.create(CLUSTER);
    Path credential = Files.createTempFile("mapfs-warm-up", ".pem");
    try {
      authority.credential(Role.ADMINISTRATOR, "warm-up").save(credential);
      ask(null, Map.of());
      ask(
          authority.credential(Role.APPLIANCE, "appliance"),
          Map.of("MAPFS_CREDENTIAL", credential.toString()));
    } finally {
      Files.delete(credential);
    }
    return 0;
  }

  /** Has commands ask an appliance of this process, with TLS or without. */
  private static void ask(Credential own, Map<String, String> credential) throws IOException {
    ServerConfig config = ServerConfig.listen("127.0.0.1", 0, Release.name()).withCredential(own);
    try (BlockServer server = BlockServer.start(config, service())) {
      Map<String, String> environment = new HashMap<>(credential);
      environment.put("MAPFS_APPLIANCE", "127.0.0.1:" + server.address().getPort());
      for (List<String> command :
          List.of(List.of("status"), List.of("node", "list"), List.of("snapshot", "list", "x"))) {
        String[] arguments = command.toArray(String[]::new);
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        Mapfs.commandLine(environment, arguments)
            .setOut(nowhere)
            .setErr(nowhere)
            .execute(arguments);
      }
    }
  }

  /** Enough of an answer for commands to print sizes, times and a table. */
  private static final String ANSWER =
      """
      {"appliance": {"software": "mapfs", "startedMillis": 1, "storeBytes": 1500000},
       "nodes": [{"node": "x", "ownBytes": 1500, "mounted": {"host": "y", "sinceMillis": 1}}]}
      """;

  /** Answers every control method alike. */
  private static ApplianceService service() {
    return (ApplianceService)
        Proxy.newProxyInstance(
            WarmUpCommand.class.getClassLoader(),
            new Class<?>[] {ApplianceService.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "clusterId" -> CLUSTER;
                  case "call" -> JsonParser.parseString(ANSWER).getAsJsonObject();
                  default -> null;
                });
  }

  /**
   * All classes of this project, initialized: what their static parts make, such as the lambdas of
   * tables, goes into the archive too.
   */
  private static void loadOurs() throws IOException {
    try (JarFile jar = new JarFile(System.getProperty("java.class.path"))) {
      for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
        String name = entry.getName();
        if (name.startsWith(OURS) && name.endsWith(CLASS)) {
          String type = name.substring(0, name.length() - CLASS.length()).replace('/', '.');
          try {
            Class.forName(type, true, WarmUpCommand.class.getClassLoader());
          } catch (ClassNotFoundException e) {
            throw new IOException("cannot load " + type + ": " + e, e);
          } catch (LinkageError e) {
            // A library of the system that is not installed here; whoever needs it says so.
          }
        }
      }
    }
  }
}
