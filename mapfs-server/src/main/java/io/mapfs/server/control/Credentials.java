package io.mapfs.server.control;

import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Identity;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.Session;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.CredentialRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import java.io.IOException;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The certificates that were issued, and who they prove somebody to be. */
final class Credentials {
  private static final String FIRST_ADMINISTRATOR = "admin";

  private final ApplianceStore store;
  private final ControlStore control;

  Credentials(ApplianceStore store) {
    this.store = store;
    this.control = store.control();
  }

  /** Leaves an administrator's credential beside the authority's key if there is no valid one. */
  void keepAdministrator() throws IOException {
    if (valid(Role.ADMINISTRATOR).isEmpty()) {
      Credential credential = store.authority().credential(Role.ADMINISTRATOR, FIRST_ADMINISTRATOR);
      // The file first: after a crash between the two it is made anew.
      credential.save(store.adminCredential());
      control.commit(
          record(Role.ADMINISTRATOR, FIRST_ADMINISTRATOR, credential.certificate(), Caller.LOCAL));
    }
  }

  /** For TLS; made at each start and kept in memory alone. */
  Credential ofAppliance() {
    return store.authority().credential(Role.APPLIANCE, "appliance");
  }

  // ---- whose connection it is ----

  /**
   * Whose it is, by what it proves.
   *
   * @throws ApplianceException DENIED if that is not who it says
   */
  Caller caller(Session session) throws ApplianceException {
    String node = session.node();
    if (session.isTrusted()) {
      return node.isEmpty()
          ? new Caller(Role.ADMINISTRATOR, Caller.LOCAL, null)
          : new Caller(Role.NODE, node, null);
    }
    if (session.certificate().isEmpty()) {
      return new Caller(null, node, null);
    }
    X509Certificate certificate = session.certificate().get();
    Identity identity = identity(certificate);
    if (!node.equals(identity.role() == Role.NODE ? identity.name() : "")) {
      throw denied(
          "the credential of "
              + identity.role().text()
              + " "
              + identity.name()
              + " is not for "
              + (node.isEmpty() ? "administrators" : "node " + node));
    }
    return new Caller(identity.role(), identity.name(), Certificates.id(certificate));
  }

  private static Identity identity(X509Certificate certificate) throws ApplianceException {
    try {
      return Identity.of(certificate);
    } catch (CertificateException e) {
      throw denied(e.getMessage());
    }
  }

  /**
   * Refuses a certificate that was revoked, or that this appliance does not know.
   *
   * @throws ApplianceException DENIED
   */
  void requireValid(Session session, Caller caller) throws IOException, ApplianceException {
    if (caller.credentialId() == null) {
      return;
    }
    CredentialRecord record = control.get(ControlTable.CREDENTIALS, caller.credentialId());
    if (record == null
        || !record.fingerprint().equals(fingerprint(session.certificate().orElseThrow()))) {
      throw denied("the appliance does not know the credential of " + caller);
    }
    if (record.revokedMillis() != 0) {
      throw denied("the credential of " + caller + " was revoked");
    }
  }

  private static ApplianceException denied(String why) {
    return new ApplianceException(FailureCode.DENIED, why);
  }

  private static String fingerprint(X509Certificate certificate) {
    return HexFormat.of().formatHex(Certificates.fingerprint(certificate));
  }

  // ---- issuing and revoking ----

  /**
   * Issues a certificate, durable together with the other changes.
   *
   * @param by who asked for it
   */
  X509Certificate issue(
      Role role, String name, PublicKey holder, Caller by, ControlChange... others)
      throws IOException {
    X509Certificate certificate = store.authority().issue(role, name, holder);
    List<ControlChange> changes = new ArrayList<>(List.of(others));
    changes.add(record(role, name, certificate, by.toString()));
    control.commit(changes.toArray(new ControlChange[0]));
    return certificate;
  }

  private ControlChange record(Role role, String name, X509Certificate certificate, String by) {
    String id = Certificates.id(certificate);
    return ControlChange.put(
        ControlTable.CREDENTIALS,
        id,
        new CredentialRecord(
            id, role.text(), name, fingerprint(certificate), control.nowMillis(), by, 0));
  }

  /** All that were issued to holders of a role, revoked ones too. */
  List<CredentialRecord> all(Role role) throws IOException {
    return control.list(ControlTable.CREDENTIALS, "").stream()
        .filter(record -> record.role().equals(role.text()))
        .toList();
  }

  /** Those that are not revoked. */
  List<CredentialRecord> valid(Role role) throws IOException {
    return all(role).stream().filter(record -> record.revokedMillis() == 0).toList();
  }

  /** Those of one holder that are not revoked. */
  List<CredentialRecord> valid(Role role, String name) throws IOException {
    return valid(role).stream().filter(record -> record.name().equals(name)).toList();
  }

  /** What revokes them, once it is committed; their connections are another's to close. */
  List<ControlChange> revocation(List<CredentialRecord> records) {
    long nowMillis = control.nowMillis();
    List<ControlChange> changes = new ArrayList<>();
    for (CredentialRecord record : records) {
      changes.add(
          ControlChange.put(ControlTable.CREDENTIALS, record.id(), record.revoked(nowMillis)));
    }
    return changes;
  }
}
