package io.mapfs.client;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;

/** One connection to the appliance. */
final class Connection {
  private Connection() {}

  static ApplianceClient open(Endpoint endpoint, ClientConfig config) throws ApplianceException {
    if (config.maxPending() > 0) {
      throw new ApplianceException(FailureCode.UNAVAILABLE, "cannot reach " + endpoint);
    }
    return null;
  }
}
