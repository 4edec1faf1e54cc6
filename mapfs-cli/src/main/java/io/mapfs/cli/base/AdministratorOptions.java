package io.mapfs.cli.base;

import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.core.wire.ApplianceException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Who the administrator is. */
public final class AdministratorOptions {
  @Option(
      names = "--credential",
      paramLabel = "FILE",
      description =
          "The administrator's credential, such as the keys/admin.pem that 'mapfs appliance init'"
              + " leaves in the store.")
  private Path credential;

  /** Connects as an administrator. */
  public ApplianceClient connect(ConnectionOptions connection)
      throws ApplianceException, CommandFailure {
    return ApplianceClient.connect(
        connection.endpoint(),
        ClientConfig.admin(Release.name()).withSecurity(connection.security(credential)));
  }
}
