package io.mapfs.cli.template;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.text.NearestName;
import io.mapfs.core.wire.FailureCode;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Finds templates by name, in the first directory that has one. */
public final class TemplateLibrary {
  private static final String SUFFIX = ".yaml";

  private final List<Path> directories;

  private TemplateLibrary(List<Path> directories) {
    this.directories = directories;
  }

  /**
   * Looks in the directory named; if null in ./templates, /etc/mapfs/templates, the distribution.
   */
  public static TemplateLibrary of(String directory) {
    if (directory != null) {
      return new TemplateLibrary(List.of(Path.of(directory)));
    }
    List<Path> directories =
        new ArrayList<>(List.of(Path.of("templates"), Path.of("/etc/mapfs/templates")));
    String home = System.getProperty("mapfs.home");
    if (home != null) {
      directories.add(Path.of(home, "templates"));
    }
    return new TemplateLibrary(directories);
  }

  /**
   * The template of that name; a name with a slash or an ending is a file's path.
   *
   * @throws CommandFailure NOT_FOUND with the nearest name; INVALID if it is no template
   */
  public Template find(String name) throws CommandFailure, IOException {
    if (name.indexOf(File.separatorChar) >= 0 || name.endsWith(SUFFIX)) {
      return TemplateReader.read(Path.of(name));
    }
    for (Path directory : directories) {
      Path file = directory.resolve(name + SUFFIX);
      if (Files.isRegularFile(file)) {
        return TemplateReader.read(file);
      }
    }
    throw new CommandFailure(
        FailureCode.NOT_FOUND,
        "no template '"
            + name
            + "' in "
            + directories.stream().map(Path::toString).collect(Collectors.joining(", "))
            + NearestName.hint(name, names()));
  }

  private List<String> names() throws IOException {
    List<String> names = new ArrayList<>();
    for (Path directory : directories) {
      if (Files.isDirectory(directory)) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
          files.forEach(file -> names.add(nameOf(file)));
        }
      }
    }
    return names;
  }

  static String nameOf(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.endsWith(SUFFIX) ? name.substring(0, name.length() - SUFFIX.length()) : name;
  }
}
