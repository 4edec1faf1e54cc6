package io.mapfs.cli.template;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.text.NearestName;
import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/**
 * Reads one template. Works on YAML's node graph, not on objects made from it, so that every
 * refusal can say {@code file:line:column}.
 */
final class TemplateReader {
  /** A template is a page of text; more is a mistake, or an attack by aliases. */
  private static final int MAX_BYTES = 64 << 10;

  private static final int FORMAT = 1;

  private final Path file;

  private TemplateReader(Path file) {
    this.file = file;
  }

  /**
   * Reads a file.
   *
   * @throws CommandFailure INVALID, naming the place, if it is no template
   */
  static Template read(Path file) throws CommandFailure, IOException {
    return new TemplateReader(file).read();
  }

  private Template read() throws CommandFailure, IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw invalid(file + ": larger than a template may be (" + Sizes.format(MAX_BYTES) + ")");
    }
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file.toString())
            .setAllowDuplicateKeys(false)
            .setMaxAliasesForCollections(0)
            .build();
    Optional<Node> document;
    try {
      document = new Compose(settings).composeString(Files.readString(file));
    } catch (MalformedInputException e) {
      throw invalid(file + ": not a text in UTF-8");
    } catch (MarkedYamlEngineException e) {
      throw invalid(place(e.getProblemMark()) + e.getProblem());
    } catch (YamlEngineException e) {
      throw invalid(file + ": " + e.getMessage());
    }
    if (document.isEmpty()) {
      throw invalid(file + ": empty; a template begins with 'format: " + FORMAT + "'");
    }
    Map<String, Node> top =
        mapping(document.get(), "the template", "format", "description", "software", "storage");
    checkFormat(document.get(), top.get("format"));
    Map<String, Node> software = mapping(top.get("software"), "software", "master", "version");
    Map<String, Node> storage = mapping(top.get("storage"), "storage", "overlay", "cache");
    Map<String, Node> overlay = mapping(storage.get("overlay"), "overlay", "quota", "encrypt");
    Map<String, Node> cache = mapping(storage.get("cache"), "cache", "size");
    return new Template(
        TemplateLibrary.nameOf(file),
        text(top.get("description")),
        text(software.get("master")),
        text(software.get("version")),
        size(overlay.get("quota")),
        size(cache.get("size")),
        flag(overlay.get("encrypt")));
  }

  private void checkFormat(Node document, Node format) throws CommandFailure {
    if (format == null) {
      throw invalid(
          place(document) + "no 'format'; a template begins with 'format: " + FORMAT + "'");
    }
    String number = text(format);
    if (!String.valueOf(FORMAT).equals(number)) {
      throw invalid(
          place(format)
              + "format "
              + number
              + " is not known to this release, which reads format "
              + FORMAT);
    }
  }

  /** The values of a mapping by key; empty for an absent one. */
  private Map<String, Node> mapping(Node node, String what, String... keys) throws CommandFailure {
    Map<String, Node> values = new LinkedHashMap<>();
    if (node == null) {
      return values;
    }
    if (!(node instanceof MappingNode mapping)) {
      throw invalid(
          place(node) + what + " must be keys and values, one of: " + String.join(", ", keys));
    }
    Set<String> known = Set.of(keys);
    for (NodeTuple entry : mapping.getValue()) {
      String key = text(entry.getKeyNode());
      if (!known.contains(key)) {
        throw invalid(
            place(entry.getKeyNode())
                + "unknown key '"
                + key
                + "' in "
                + what
                + NearestName.hint(key, known)
                + " (known: "
                + String.join(", ", keys)
                + ")");
      }
      if (values.putIfAbsent(key, entry.getValueNode()) != null) {
        throw invalid(place(entry.getKeyNode()) + "'" + key + "' stands here twice");
      }
    }
    return values;
  }

  private String text(Node node) throws CommandFailure {
    if (node == null) {
      return null;
    }
    if (!(node instanceof ScalarNode scalar) || scalar.getValue().isEmpty()) {
      throw invalid(place(node) + "a single value must stand here");
    }
    return scalar.getValue();
  }

  private Long size(Node node) throws CommandFailure {
    String text = text(node);
    if (text == null) {
      return null;
    }
    try {
      return Sizes.parseBytes(text);
    } catch (IllegalArgumentException e) {
      throw invalid(place(node) + e.getMessage());
    }
  }

  private boolean flag(Node node) throws CommandFailure {
    String text = text(node);
    if (text == null || text.equals("false")) {
      return false;
    }
    if (!text.equals("true")) {
      throw invalid(place(node) + "'" + text + "' is neither true nor false");
    }
    return true;
  }

  private String place(Node node) {
    return place(node.getStartMark());
  }

  /** {@code file:line:column: }, counted from 1. */
  private String place(Optional<Mark> mark) {
    return mark.map(m -> file + ":" + (m.getLine() + 1) + ":" + (m.getColumn() + 1) + ": ")
        .orElse(file + ": ");
  }

  private static CommandFailure invalid(String message) {
    return new CommandFailure(FailureCode.INVALID, message);
  }
}
