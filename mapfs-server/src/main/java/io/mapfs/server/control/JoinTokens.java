package io.mapfs.server.control;

import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.TokenRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.RevocationList;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Tokens with which machines join: each is good once, and for a while. */
final class JoinTokens {
  private final ControlStore control;
  private final Credentials credentials;
  private final RevocationList revocations;
  private final byte[] authority;

  JoinTokens(ApplianceStore store, Credentials credentials) {
    this.control = store.control();
    this.credentials = credentials;
    this.revocations = store.revocations();
    this.authority = Certificates.fingerprint(store.authority().certificate());
  }

  /** Makes a token; of its secret only a hash stays here. */
  synchronized JoinToken create(String node, long expiresMillis, Caller by) throws IOException {
    JoinToken token = JoinToken.create(node, authority);
    List<ControlChange> changes = new ArrayList<>();
    for (TokenRecord old : control.list(ControlTable.TOKENS, "")) {
      if (isExpired(old)) {
        changes.add(ControlChange.delete(ControlTable.TOKENS, old.id()));
      }
    }
    TokenRecord record =
        new TokenRecord(
            token.id(),
            node,
            HexFormat.of().formatHex(JoinToken.digest(token.secret())),
            control.nowMillis(),
            expiresMillis,
            by.toString());
    changes.add(ControlChange.put(ControlTable.TOKENS, record.id(), record));
    control.commit(changes.toArray(new ControlChange[0]));
    return token;
  }

  private boolean isExpired(TokenRecord record) {
    return control.nowMillis() >= record.expiresMillis();
  }

  /**
   * Uses a token up for a certificate.
   *
   * @throws ApplianceException DENIED if there is no such token any more; which of all reasons it
   *     is is not said
   */
  synchronized X509Certificate redeem(
      String node, String id, String secret, PublicKey holder, Caller by)
      throws IOException, ApplianceException {
    TokenRecord record = control.get(ControlTable.TOKENS, id);
    if (record == null
        || !record.node().equals(node)
        || isExpired(record)
        || revocations.contains(id)
        || !MessageDigest.isEqual(
            HexFormat.of().parseHex(record.secretHash()), JoinToken.digest(secret))) {
      throw new ApplianceException(
          FailureCode.DENIED,
          "the token for "
              + node
              + " is not valid: it was used, has expired, or is another's; make a new one with"
              + " 'mapfs node token create "
              + node
              + "'");
    }
    // First: were the records that follow lost, it would be good again.
    revocations.add(List.of(id));
    return credentials.issue(
        Role.NODE, node, holder, by, ControlChange.delete(ControlTable.TOKENS, id));
  }

  /** Revokes a node's unused tokens; the changes are to be committed by the caller. */
  List<ControlChange> revocation(String node) throws IOException {
    List<String> ids = new ArrayList<>();
    List<ControlChange> changes = new ArrayList<>();
    for (TokenRecord record : control.list(ControlTable.TOKENS, "")) {
      if (record.node().equals(node)) {
        ids.add(record.id());
        changes.add(ControlChange.delete(ControlTable.TOKENS, record.id()));
      }
    }
    revocations.add(ids);
    return changes;
  }
}
