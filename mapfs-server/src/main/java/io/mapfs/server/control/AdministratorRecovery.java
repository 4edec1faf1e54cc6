package io.mapfs.server.control;

import com.google.gson.JsonObject;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.OverlayRows;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.Names;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;

/** Makes an administrator with the store at hand, for one that has none any more. */
public final class AdministratorRecovery {
  private AdministratorRecovery() {}

  /**
   * Makes one; no appliance may run on the store.
   *
   * @param file where its credential goes; there must not be one
   * @throws ApplianceException CONFLICT if the store is in use, or has an administrator of the name
   */
  public static void run(Path root, Clock clock, String name, Path file)
      throws ApplianceException, IOException {
    Names.require("administrator", name);
    try (ApplianceStore store = ApplianceStore.open(root, clock, OverlayRows.TABLES)) {
      Credentials credentials = new Credentials(store);
      credentials.reconcile();
      if (!credentials.valid(Role.ADMINISTRATOR, name).isEmpty()) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            "there is an administrator '" + name + "' already: choose another with --name");
      }
      JsonObject parameters = new JsonObject();
      parameters.addProperty("name", name);
      long act =
          store.audit().began("administrator " + Caller.LOCAL, "-", "admin.recover", parameters);
      credentials.makeAdministrator(name, file);
      store.audit().ended(act, "DONE");
    }
  }
}
