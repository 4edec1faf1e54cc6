package io.mapfs.cli.base;

import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.Endpoint;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Option;

/** Where the appliance is. */
public final class ConnectionOptions {
  @Option(
      names = {"-a", "--appliance"},
      paramLabel = "HOST[:PORT]",
      defaultValue = "127.0.0.1:7400",
      description = "Where the appliance listens (default: ${DEFAULT-VALUE}).")
  private String appliance = "127.0.0.1:7400";

  /** As it was given. */
  public String text() {
    return appliance;
  }

  public Endpoint endpoint() throws ApplianceException {
    return Endpoint.parse(appliance);
  }

  /** Connects as an administrator. */
  public ApplianceClient connect() throws ApplianceException {
    return ApplianceClient.connect(endpoint(), ClientConfig.admin(Release.name()));
  }
}
