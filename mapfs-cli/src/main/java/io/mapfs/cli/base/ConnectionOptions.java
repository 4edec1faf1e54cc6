package io.mapfs.cli.base;

import io.mapfs.client.ClientSecurity;
import io.mapfs.client.Endpoint;
import io.mapfs.core.security.Credential;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where the appliance is, and whether it is spoken to without TLS. */
public final class ConnectionOptions {
  @Option(
      names = {"-a", "--appliance"},
      paramLabel = "HOST[:PORT]",
      defaultValue = "127.0.0.1:7400",
      description = "Where the appliance listens (default: ${DEFAULT-VALUE}).")
  private String appliance = "127.0.0.1:7400";

  @Option(
      names = "--insecure",
      description =
          "Speak plain TCP and prove nothing: on a loopback address, where it is the default for"
              + " whoever has no credential.")
  private boolean insecure;

  /** As it was given. */
  public String text() {
    return appliance;
  }

  public boolean insecure() {
    return insecure;
  }

  public Endpoint endpoint() throws ApplianceException {
    return Endpoint.parse(appliance);
  }

  /**
   * TLS with this credential; plain TCP without one, or if that was asked for.
   *
   * @param file {@code null} for none
   */
  public ClientSecurity security(Path file) throws CommandFailure {
    if (insecure || file == null) {
      return ClientSecurity.PLAIN;
    }
    try {
      return new ClientSecurity.Certified(Credential.load(file));
    } catch (NoSuchFileException e) {
      throw new CommandFailure(
          FailureCode.NOT_FOUND, "there is no credential " + file + ": check the path", e);
    } catch (IOException e) {
      throw new CommandFailure(FailureCode.DENIED, Failures.line(e), e);
    }
  }
}
