package io.mapfs.server.mirror;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.journal.Change;
import io.mapfs.core.snapshot.ManifestHeader;
import io.mapfs.core.snapshot.ManifestReader;
import io.mapfs.core.snapshot.ManifestWriter;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Snapshots' delta manifests as files. One is written when the snapshot is taken if the overlay is
 * small, else when it is first asked for: taking a snapshot never costs more than a little.
 */
final class Manifests {
  /** Manifests of up to so many entries are written at once. */
  static final long ENTRIES_AT_ONCE = 2_000;

  private final ApplianceStore store;
  private final Overlays overlays;

  Manifests(ApplianceStore store, Overlays overlays) {
    this.store = store;
    this.overlays = overlays;
  }

  /** Whether there is a manifest of this id, whoever's it is. */
  boolean exists(String node, String id) {
    return Files.exists(file(node, id));
  }

  /** The file's length; 0 while it is not written. */
  long bytes(SnapshotRecord snapshot) throws IOException {
    Path file = file(snapshot);
    return Files.exists(file) ? Files.size(file) : 0;
  }

  /** The text, written now if it was not before; verified. */
  String text(SnapshotRecord snapshot, Overlay overlay) throws IOException {
    Path file = file(snapshot);
    if (!Files.exists(file)) {
      write(snapshot, overlay);
    }
    ManifestReader.open(file, store.key()::verifies);
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  void delete(SnapshotRecord snapshot) throws IOException {
    Files.deleteIfExists(file(snapshot));
  }

  /** Writes the file. The snapshot's sequence stays readable meanwhile: it is the snapshot's. */
  void write(SnapshotRecord snapshot, Overlay overlay) throws IOException {
    HeadView view =
        new HeadView(
            overlay,
            store.repository(),
            snapshot.master(),
            snapshot.version(),
            snapshot.sequence());
    Paths paths = new Paths(view, null);
    Path file = file(snapshot);
    DurableFiles.createDirectories(file.getParent());
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try (FileChannel channel =
            FileChannel.open(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
        OutputStream target =
            new BufferedOutputStream(Channels.newOutputStream(channel), 64 << 10)) {
      ManifestWriter writer = new ManifestWriter(target, header(snapshot));
      overlay
          .head()
          .forEachRow(snapshot.sequence(), change -> writer.entry(change, path(paths, change)));
      writer.finish(store.key()::sign);
      target.flush();
      channel.force(true);
    }
    DurableFiles.publish(part, file);
  }

  private static String path(Paths paths, Change change) throws IOException {
    if (change instanceof Change.PutInode put) {
      return paths.first(put.ino());
    } else if (change instanceof Change.PutXattrs put) {
      return paths.first(put.ino());
    } else if (change instanceof Change.PutBlock put) {
      return paths.first(put.ino());
    } else if (change instanceof Change.PutDentry put) {
      return paths.path(put.parentIno(), put.name());
    }
    Change.PutWhiteout hidden = (Change.PutWhiteout) change;
    return paths.path(hidden.parentIno(), hidden.name());
  }

  private ManifestHeader header(SnapshotRecord snapshot) {
    return new ManifestHeader(
        ManifestHeader.KIND,
        ManifestHeader.FORMAT,
        store.clusterId(),
        snapshot.node(),
        snapshot.id(),
        snapshot.name(),
        snapshot.comment(),
        snapshot.createdMillis(),
        snapshot.master(),
        snapshot.version(),
        snapshot.epoch(),
        snapshot.sequence(),
        snapshot.hash(),
        snapshot.number() == 1 ? null : "s" + (snapshot.number() - 1),
        snapshot.ownBytes());
  }

  private Path file(SnapshotRecord snapshot) {
    return file(snapshot.node(), snapshot.id());
  }

  private Path file(String node, String id) {
    return overlays.directory(node).resolve("snapshots").resolve(id + ".manifest");
  }
}
