package io.mapfs.server.control;

import com.google.gson.JsonObject;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.security.Keys;
import io.mapfs.core.security.Pem;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.RecoveryRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import java.io.IOException;

/** Control methods on the recovery key, whose public half the appliance has. */
final class RecoveryMethods {
  private static final String CURRENT = "current";

  private final ControlStore control;

  RecoveryMethods(ControlStore control) {
    this.control = control;
  }

  JsonObject set(Parameters in) throws IOException, ApplianceException {
    RecoveryRecord standing = find();
    if (standing != null && !in.flag("replace", false)) {
      throw new ApplianceException(
          FailureCode.CONFLICT,
          "there is a recovery key already ("
              + standing.id()
              + "): with --replace a new one takes its place for keys that are wrapped from then"
              + " on");
    }
    RecoveryRecord record = record(in.text("publicKey"));
    control.commit(ControlChange.put(ControlTable.RECOVERY, CURRENT, record));
    return shown(record);
  }

  private RecoveryRecord record(String pem) throws ApplianceException {
    try {
      return new RecoveryRecord(
          RecoveryKey.id(Keys.open(Pem.decodeOne(Pem.PUBLIC_KEY, pem))), pem, control.nowMillis());
    } catch (IOException e) {
      throw new ApplianceException(FailureCode.INVALID, e.getMessage(), e);
    }
  }

  JsonObject show() throws IOException {
    RecoveryRecord standing = find();
    return standing == null ? new JsonObject() : shown(standing);
  }

  private static JsonObject shown(RecoveryRecord record) {
    return new Json()
        .with("id", record.id())
        .with("publicKey", record.publicKey())
        .with("createdMillis", record.createdMillis())
        .build();
  }

  /** The one in force, or {@code null}. */
  RecoveryRecord find() throws IOException {
    return control.get(ControlTable.RECOVERY, CURRENT);
  }

  /**
   * The one in force.
   *
   * @throws ApplianceException INVALID if there is none
   */
  RecoveryRecord required() throws IOException, ApplianceException {
    RecoveryRecord standing = find();
    if (standing == null) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "there is no recovery key yet, without which a lost machine would take its encrypted"
              + " overlay with it: mapfs appliance recovery-key create --file FILE");
    }
    return standing;
  }
}
