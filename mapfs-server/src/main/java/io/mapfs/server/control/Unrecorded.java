package io.mapfs.server.control;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.store.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What lies in the store though no control record names it. A database that was cut at its end
 * looks like one that never had its last records: so it stays, and nothing is removed that it may
 * need.
 */
final class Unrecorded {
  private final Repository repository;
  private final Overlays overlays;

  Unrecorded(Repository repository, Overlays overlays) {
    this.repository = repository;
    this.overlays = overlays;
  }

  /** Files and directories. */
  List<String> list() throws IOException {
    List<Path> found = new ArrayList<>(repository.unrecorded());
    found.addAll(overlays.unrecorded());
    return found.stream().map(Path::toString).toList();
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
              + " (mapfs appliance status)");
    }
  }
}
