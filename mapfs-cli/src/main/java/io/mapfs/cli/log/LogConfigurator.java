package io.mapfs.cli.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.spi.ContextAwareBase;
import ch.qos.logback.core.util.FileSize;

/**
 * Configures Logback in code: reading XML would cost a short command more than all the rest of its
 * start. The level is that of $MAPFS_LOG_LEVEL, or INFO.
 */
public final class LogConfigurator extends ContextAwareBase implements Configurator {
  /** The file and the older ones kept beside it: at most 4 x 10 MiB. */
  private static final FileSize MAX_FILE = FileSize.valueOf("10MB");

  private static final int OLDER_FILES = 3;

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    var root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    String target = System.getProperty(LogFile.PROPERTY);
    if (target == null) {
      root.setLevel(Level.OFF);
      return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }
    root.setLevel(Level.toLevel(System.getenv("MAPFS_LOG_LEVEL"), Level.INFO));
    root.addAppender(
        target.equals(LogFile.STANDARD_ERROR) ? console(context) : file(context, target));
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  private static OutputStreamAppender<ILoggingEvent> console(LoggerContext context) {
    ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
    console.setTarget("System.err");
    return started(context, console);
  }

  private static OutputStreamAppender<ILoggingEvent> file(LoggerContext context, String path) {
    RollingFileAppender<ILoggingEvent> file = new RollingFileAppender<>();
    file.setFile(path);
    FixedWindowRollingPolicy rolling = new FixedWindowRollingPolicy();
    rolling.setContext(context);
    rolling.setParent(file);
    rolling.setFileNamePattern(path.replace("%", "\\%") + ".%i");
    rolling.setMinIndex(1);
    rolling.setMaxIndex(OLDER_FILES);
    rolling.start();
    SizeBasedTriggeringPolicy<ILoggingEvent> trigger = new SizeBasedTriggeringPolicy<>();
    trigger.setContext(context);
    trigger.setMaxFileSize(MAX_FILE);
    trigger.start();
    file.setRollingPolicy(rolling);
    file.setTriggeringPolicy(trigger);
    return started(context, file);
  }

  private static OutputStreamAppender<ILoggingEvent> started(
      LoggerContext context, OutputStreamAppender<ILoggingEvent> appender) {
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level [%thread] %logger{24}: %msg%n");
    encoder.start();
    appender.setContext(context);
    appender.setEncoder(encoder);
    appender.start();
    return appender;
  }
}
