package io.mapfs.cli;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.text.NearestName;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;

/**
 * The configuration file: lines of {@code key = value}, where a key is the long name of an option;
 * {@code #} begins a comment line. Immutable.
 */
final class Configuration {
  private final Map<String, String> values;

  private Configuration(Map<String, String> values) {
    this.values = Map.copyOf(values);
  }

  /**
   * The file that $MAPFS_CONFIG names, which must exist; else /etc/mapfs/mapfs.conf if there is
   * one.
   */
  static Configuration ofEnvironment(Map<String, String> environment, SortedSet<String> keys)
      throws CommandFailure {
    String named = environment.getOrDefault("MAPFS_CONFIG", "");
    Path file = Path.of(named.isEmpty() ? "/etc/mapfs/mapfs.conf" : named);
    try {
      return parse(file, Files.readAllLines(file), keys);
    } catch (NoSuchFileException e) {
      if (named.isEmpty()) {
        return new Configuration(Map.of());
      }
      throw new CommandFailure(
          FailureCode.NOT_FOUND, file + " does not exist, but MAPFS_CONFIG names it", e);
    } catch (MalformedInputException e) {
      throw new CommandFailure(FailureCode.INVALID, file + ": not a text in UTF-8", e);
    } catch (IOException e) {
      throw new CommandFailure(
          FailureCode.INVALID, file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  private static Configuration parse(Path file, List<String> lines, SortedSet<String> keys)
      throws CommandFailure {
    Map<String, String> values = new HashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String where = file + ":" + (i + 1) + ": ";
      int equals = line.indexOf('=');
      if (equals <= 0) {
        throw new CommandFailure(
            FailureCode.INVALID, where + "'" + line + "' is not of the form key = value");
      }
      String key = line.substring(0, equals).strip();
      if (!keys.contains(key)) {
        throw new CommandFailure(
            FailureCode.INVALID,
            where
                + "unknown key '"
                + key
                + "'"
                + NearestName.hint(key, keys)
                + " (known: "
                + String.join(", ", keys)
                + ")");
      }
      if (values.putIfAbsent(key, line.substring(equals + 1).strip()) != null) {
        throw new CommandFailure(FailureCode.INVALID, where + "'" + key + "' is set twice");
      }
    }
    return new Configuration(values);
  }

  Optional<String> get(String key) {
    return Optional.ofNullable(values.get(key));
  }
}
