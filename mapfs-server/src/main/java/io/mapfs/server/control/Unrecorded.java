package io.mapfs.server.control;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.store.Names;
import io.mapfs.server.store.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What lies in the store though no control record names it. A database that was cut at its end
 * looks like one that never had its last records: so it stays, and nothing is removed that it may
 * need.
 */
final class Unrecorded {
  private static final Logger LOG = LoggerFactory.getLogger(Unrecorded.class);

  private final Repository repository;
  private final Overlays overlays;

  Unrecorded(Repository repository, Overlays overlays) {
    this.repository = repository;
    this.overlays = overlays;
  }

  /** Files and directories. */
  List<String> list() throws IOException {
    return found().stream().map(Path::toString).toList();
  }

  private List<Path> found() throws IOException {
    List<Path> found = new ArrayList<>(repository.unrecorded());
    found.addAll(overlays.unrecorded());
    return found;
  }

  /**
   * Removes one of them. What is there takes no record any more: its number, or the node's name, is
   * not given out while it is.
   *
   * @throws ApplianceException NOT_FOUND if the file is none of them
   */
  synchronized void remove(String file) throws IOException, ApplianceException {
    List<Path> found = found();
    Path path =
        found.stream().filter(each -> each.toString().equals(file)).findFirst().orElse(null);
    if (path == null) {
      throw Names.notFound("unrecorded file", file, found.stream().map(Path::toString).toList());
    }
    if (Files.isDirectory(path)) {
      Overlays.removeFiles(path);
    } else {
      Files.delete(path);
      DurableFiles.syncDirectory(path.getParent());
    }
    LOG.warn("{}, which had no control record, was removed", path);
  }

  /** Refuses while there is anything. */
  void requireNone() throws IOException, ApplianceException {
    List<String> found = list();
    if (!found.isEmpty()) {
      throw new ApplianceException(
          FailureCode.CONFLICT,
          found.get(0)
              + (found.size() == 1 ? " has" : " and " + (found.size() - 1) + " others have")
              + " no control record: if records were lost, restore them; if not, remove the file"
              + " (mapfs appliance unrecorded)");
    }
  }
}
