package io.mapfs.server.control;

import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Identity;
import io.mapfs.core.security.Pem;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.Session;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.CredentialRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.RevocationList;
import java.io.IOException;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The certificates that were issued, and who they prove somebody to be. */
final class Credentials {
  private static final Logger LOG = LoggerFactory.getLogger(Credentials.class);
  private static final String FIRST_ADMINISTRATOR = "admin";

  private final ApplianceStore store;
  private final ControlStore control;
  private final RevocationList revocations;

  Credentials(ApplianceStore store) {
    this.store = store;
    this.control = store.control();
    this.revocations = store.revocations();
  }

  /**
   * Leaves the first administrator's credential beside the authority's key in a store that is new.
   *
   * @throws ApplianceException CORRUPT if the store was used and knows no administrator: control
   *     records were lost
   */
  void keepAdministrator() throws IOException, ApplianceException {
    if (all(Role.ADMINISTRATOR).isEmpty()) {
      if (!store.isNew()) {
        throw new ApplianceException(
            FailureCode.CORRUPT,
            store.root()
                + " was used, and has no record of an administrator: restore its control directory"
                + " from a copy; if there is none, make an administrator with 'mapfs appliance"
                + " recover --store "
                + store.root()
                + " --file FILE'");
      }
      makeAdministrator(FIRST_ADMINISTRATOR, store.adminCredential());
    } else if (valid(Role.ADMINISTRATOR).isEmpty()) {
      LOG.warn(
          "every administrator was revoked; make one, while no appliance runs, with 'mapfs"
              + " appliance recover'");
    }
    reconcile();
  }

  /** Makes an administrator for whoever has the store; leaves its credential in a file. */
  void makeAdministrator(String name, Path file) throws IOException {
    Credential credential = store.authority().credential(Role.ADMINISTRATOR, name);
    // The file first: after a crash between the two it is made anew.
    credential.save(file);
    control.commit(record(Role.ADMINISTRATOR, name, credential.certificate(), Caller.LOCAL));
  }

  /** Brings the revocations in the control records and those in the list together. */
  void reconcile() throws IOException {
    List<CredentialRecord> records = control.list(ControlTable.CREDENTIALS, "");
    revocations.add(
        records.stream()
            .filter(record -> record.revokedMillis() != 0)
            .map(CredentialRecord::id)
            .toList());
    List<CredentialRecord> lost =
        records.stream()
            .filter(record -> record.revokedMillis() == 0 && revocations.contains(record.id()))
            .toList();
    if (!lost.isEmpty()) {
      LOG.warn("{} revocations had no control record any more; they stay in force", lost.size());
      revoke(lost, List.of());
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
    if (record.revokedMillis() != 0 || revocations.contains(record.id())) {
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
            id,
            role.text(),
            name,
            fingerprint(certificate),
            control.nowMillis(),
            by,
            0,
            Pem.encode(Pem.PUBLIC_KEY, certificate.getPublicKey().getEncoded())));
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

  /**
   * Revokes them, durable together with the other changes; their connections are another's to
   * close.
   */
  void revoke(List<CredentialRecord> records, List<ControlChange> others) throws IOException {
    // The list first: what is in it is revoked, whatever becomes of the records.
    revocations.add(records.stream().map(CredentialRecord::id).toList());
    long nowMillis = control.nowMillis();
    List<ControlChange> changes = new ArrayList<>(others);
    for (CredentialRecord record : records) {
      changes.add(
          ControlChange.put(ControlTable.CREDENTIALS, record.id(), record.revoked(nowMillis)));
    }
    control.commit(changes.toArray(new ControlChange[0]));
  }
}
