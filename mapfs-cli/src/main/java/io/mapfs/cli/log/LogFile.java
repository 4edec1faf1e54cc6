package io.mapfs.cli.log;

import ch.qos.logback.classic.LoggerContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.LoggerFactory;

/** Says where this process logs: nowhere, until it is said. */
public final class LogFile {
  /** Stands for standard error. */
  public static final String STANDARD_ERROR = "-";

  static final String PROPERTY = "mapfs.log";

  private LogFile() {}

  /**
   * Logs go to this file, or to standard error for {@link #STANDARD_ERROR}; its directory is made.
   *
   * @throws IOException if the file cannot be written
   */
  public static void use(String target) throws IOException {
    if (!target.equals(STANDARD_ERROR)) {
      Path file = Path.of(target).toAbsolutePath();
      Path directory = file.getParent();
      if (directory != null) {
        Files.createDirectories(directory);
      }
      Files.newByteChannel(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND).close();
    }
    // A logger may have been made before: the first has Logback configured, to log nowhere.
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    System.setProperty(PROPERTY, target);
    context.reset();
    new LogConfigurator().configure(context);
  }
}
