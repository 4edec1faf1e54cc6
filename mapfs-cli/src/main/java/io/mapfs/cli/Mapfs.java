package io.mapfs.cli;

import io.mapfs.cli.admin.AdminCommand;
import io.mapfs.cli.appliance.ApplianceGroup;
import io.mapfs.cli.base.Failures;
import io.mapfs.cli.base.Release;
import io.mapfs.cli.mount.Background;
import io.mapfs.cli.mount.MountCommand;
import io.mapfs.cli.mount.SyncCommand;
import io.mapfs.cli.mount.UmountCommand;
import io.mapfs.cli.node.NodeCommand;
import io.mapfs.cli.node.StatusCommand;
import io.mapfs.cli.repo.RepoCommand;
import io.mapfs.cli.snapshot.RollbackCommand;
import io.mapfs.cli.snapshot.SnapshotCommand;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.wire.FailureCode;
import java.io.PrintWriter;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code mapfs} command: entry point and root of the command tree. */
@Command(
    name = "mapfs",
    header = "MapFS: machines that share one root filesystem and keep only what they change.",
    synopsisSubcommandLabel = "COMMAND",
    versionProvider = Mapfs.Version.class,
    footer = {
      "",
      "First steps:",
      "  mapfs appliance init  --store /srv/mapfs",
      "  mapfs appliance serve --store /srv/mapfs --listen 127.0.0.1:7400 --insecure &",
      "  mapfs repo import debian ./rootfs",
      "  mapfs node add web01 --master debian",
      "  mapfs mount web01 /mnt/web01",
      "",
      "An option's value comes from the command line, else from the environment",
      "(MAPFS_APPLIANCE for --appliance), else from /etc/mapfs/mapfs.conf or $MAPFS_CONFIG",
      "(appliance = HOST:PORT). 'mapfs COMMAND --help' explains each command."
    })
public final class Mapfs {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  @SuppressWarnings("unused") // picocli reads it
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  @SuppressWarnings("unused") // picocli reads it
  private boolean version;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show where in the program an error came from.")
  private boolean debug;

  /** By name, in the order of the help. */
  private static final Map<String, Class<?>> COMMANDS = new LinkedHashMap<>();

  static {
    COMMANDS.put("appliance", ApplianceGroup.class);
    COMMANDS.put("repo", RepoCommand.class);
    COMMANDS.put("node", NodeCommand.class);
    COMMANDS.put("admin", AdminCommand.class);
    COMMANDS.put("mount", MountCommand.class);
    COMMANDS.put("sync", SyncCommand.class);
    COMMANDS.put("umount", UmountCommand.class);
    COMMANDS.put("snapshot", SnapshotCommand.class);
    COMMANDS.put("rollback", RollbackCommand.class);
    COMMANDS.put("status", StatusCommand.class);
    COMMANDS.put("fingerprint", FingerprintCommand.class);
    COMMANDS.put("completion", CompletionCommand.class);
    COMMANDS.put("warm-up", WarmUpCommand.class);
  }

  private Mapfs() {}

  public static void main(String[] arguments) {
    Background.prepare();
    int exitCode = commandLine(System.getenv(), arguments).execute(arguments);
    try {
      Background.answer(exitCode);
    } catch (FsException e) {
      // Nobody waits any more; the code says the same.
    }
    System.exit(exitCode);
  }

  /** The whole tree of commands. */
  static CommandLine commandLine(Map<String, String> environment) {
    return commandLine(environment, COMMANDS.values());
  }

  /**
   * As much of the tree as these arguments can need: to read every command's annotations takes
   * longer than most commands themselves.
   */
  static CommandLine commandLine(Map<String, String> environment, String[] arguments) {
    for (String argument : arguments) {
      if (!argument.startsWith("-")) {
        Class<?> command = COMMANDS.get(argument);
        if (command != null && command != CompletionCommand.class) {
          return commandLine(environment, List.of(command));
        }
        break;
      }
    }
    return commandLine(environment);
  }

  private static CommandLine commandLine(
      Map<String, String> environment, Collection<Class<?>> commands) {
    Mapfs root = new Mapfs();
    CommandLine commandLine = new CommandLine(root);
    for (Class<?> command : commands) {
      commandLine.addSubcommand(command);
    }
    return commandLine
        .setDefaultValueProvider(new Defaults(environment))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(new WrongUsage())
        .setExecutionExceptionHandler(new Failed(root));
  }

  // Classes and loops, not lambdas: an archive of classes leaves out what is of Java 5's format and
  // named by a lambda, and picocli's one large class would be parsed and verified by each command.

  /** Wrong usage: one line, and where to read on. */
  private static final class WrongUsage implements IParameterExceptionHandler {
    @Override
    public int handleParseException(ParameterException e, String[] arguments) {
      CommandLine command = e.getCommandLine();
      PrintWriter err = command.getErr();
      err.println("mapfs: " + Failures.singleLine(e.getMessage()));
      UnmatchedArgumentException.printSuggestions(e, err);
      err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
      err.flush();
      return FailureCode.INVALID.exitCode();
    }
  }

  /** One line, and with {@code --debug} the stack. */
  private static final class Failed implements IExecutionExceptionHandler {
    private final Mapfs root;

    private Failed(Mapfs root) {
      this.root = root;
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
      PrintWriter err = command.getErr();
      err.println("mapfs: " + Failures.line(e));
      if (root.debug) {
        e.printStackTrace(err);
      }
      err.flush();
      return Failures.code(e).exitCode();
    }
  }

  /** Reads the version from the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        Release.name(),
        "Java "
            + System.getProperty("java.version")
            + " on Linux "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch")
      };
    }
  }
}
