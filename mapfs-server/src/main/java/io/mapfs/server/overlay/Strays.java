package io.mapfs.server.overlay;

import io.mapfs.core.snapshot.ManifestReader;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlRecords.TailRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files of overlays, late tails and snapshots that no control record names. Their records come
 * before them, and a removal renames them first, so the records were lost.
 */
final class Strays {
  private static final Logger LOG = LoggerFactory.getLogger(Strays.class);
  private static final String MANIFEST_SUFFIX = ".manifest";

  private final ApplianceStore store;
  private final ControlStore control;

  Strays(ApplianceStore store) {
    this.store = store;
    this.control = store.control();
  }

  List<Path> list() throws IOException {
    List<Path> strays = new ArrayList<>();
    for (Path directory : entries(store.overlays(), "[!.]*")) {
      String node = directory.getFileName().toString();
      if (control.get(ControlTable.NODES, node) == null) {
        if (holdsFiles(directory)) {
          strays.add(directory);
        }
      } else {
        strays.addAll(tails(node));
        strays.addAll(manifests(node));
      }
    }
    return strays;
  }

  /** The node's directory, if there is no such node but files of one. */
  Path directory(String node) throws IOException {
    Path directory = store.overlayDirectory(node);
    return control.get(ControlTable.NODES, node) == null && holdsFiles(directory)
        ? directory
        : null;
  }

  private List<Path> tails(String node) throws IOException {
    Set<String> ids = new HashSet<>();
    for (TailRecord tail : control.list(ControlTable.TAILS, node + "/")) {
      ids.add(tail.id());
    }
    List<Path> strays = new ArrayList<>();
    for (Path tail : entries(Tails.directory(store.overlayDirectory(node)), "t*")) {
      if (!ids.contains(tail.getFileName().toString()) && holdsFiles(tail)) {
        strays.add(tail);
      }
    }
    return strays;
  }

  private List<Path> manifests(String node) throws IOException {
    Set<String> names = new HashSet<>();
    for (SnapshotRecord snapshot : control.list(ControlTable.SNAPSHOTS, node + "/")) {
      names.add(snapshot.id() + MANIFEST_SUFFIX);
    }
    List<Path> strays = new ArrayList<>();
    Path snapshots = store.overlayDirectory(node).resolve("snapshots");
    for (Path manifest : entries(snapshots, "s*" + MANIFEST_SUFFIX)) {
      if (!names.contains(manifest.getFileName().toString())) {
        strays.add(manifest);
      }
    }
    return strays;
  }

  /** The sequences of the node's snapshots that have a manifest and no record. */
  List<Long> snapshots(String node) throws IOException {
    List<Long> sequences = new ArrayList<>();
    for (Path manifest : manifests(node)) {
      try {
        sequences.add(ManifestReader.open(manifest, store.key()::verifies).header().sequence());
      } catch (IOException e) {
        LOG.warn("what {} needs cannot be kept: {}", manifest, e.getMessage());
      }
    }
    return sequences;
  }

  private static List<Path> entries(Path directory, String glob) throws IOException {
    List<Path> entries = new ArrayList<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, glob)) {
        found.forEach(entries::add);
      }
      entries.sort(null);
    }
    return entries;
  }

  private static boolean holdsFiles(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (Stream<Path> all = Files.walk(directory)) {
      return all.anyMatch(Files::isRegularFile);
    }
  }
}
