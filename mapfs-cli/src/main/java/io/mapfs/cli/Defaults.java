package io.mapfs.cli;

import io.mapfs.cli.base.CommandFailure;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Gives an option that was not typed its value: {@code --front-end} from $MAPFS_FRONT_END, else
 * from {@code front-end} in the configuration file, else the built-in default.
 */
final class Defaults implements IDefaultValueProvider {
  /** Long names of the options that can be set so. */
  static final SortedSet<String> KEYS =
      Collections.unmodifiableSortedSet(
          new TreeSet<>(
              List.of(
                  "appliance",
                  "cache",
                  "credential",
                  "durability",
                  "front-end",
                  "identity",
                  "listen",
                  "log",
                  "output",
                  "state",
                  "store",
                  "templates")));

  private final Map<String, String> environment;
  private Configuration configuration;

  Defaults(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option) || !option.longestName().startsWith("--")) {
      return null;
    }
    String key = option.longestName().substring(2);
    if (!KEYS.contains(key)) {
      return null;
    }
    String value = environment.get(variable(key));
    if (value != null && !value.isEmpty()) {
      return value;
    }
    try {
      if (configuration == null) {
        configuration = Configuration.ofEnvironment(environment, KEYS);
      }
      return configuration.get(key).orElse(null);
    } catch (CommandFailure e) {
      throw new ParameterException(argument.command().commandLine(), e.getMessage(), e);
    }
  }

  /** The environment variable for a key: MAPFS_FRONT_END for front-end. */
  static String variable(String key) {
    return "MAPFS_" + key.toUpperCase(Locale.ROOT).replace('-', '_');
  }
}
