package io.mapfs.server.store;

/**
 * What control records hold. Their members' names stand in the store: a new member must bear being
 * absent.
 */
public final class ControlRecords {
  private ControlRecords() {}

  /**
   * A named software stack.
   *
   * @param latest number of its newest version; 0 for none
   * @param nextIno lowest inode number that no version ever used
   */
  public record MasterRecord(String name, long createdMillis, int latest, long nextIno) {}

  /**
   * An immutable version of a master.
   *
   * @param treeHash root hash of its tree, 64 hexadecimal digits
   * @param signature Ed25519, base64, over {@link #signedText}
   */
  public record VersionRecord(
      String master,
      int version,
      long createdMillis,
      String comment,
      long treeBytes,
      String treeHash,
      long entries,
      long inodes,
      long contentBytes,
      long nextIno,
      long newBlocks,
      long newStoredBytes,
      String signature) {

    /** What the signature vouches for. */
    public String signedText(String clusterId) {
      return "MapFS version\n"
          + clusterId
          + "\n"
          + master
          + "\n"
          + version
          + "\n"
          + createdMillis
          + "\n"
          + treeBytes
          + "\n"
          + treeHash
          + "\n";
    }

    VersionRecord signed(String signatureBase64) {
      return new VersionRecord(
          master,
          version,
          createdMillis,
          comment,
          treeBytes,
          treeHash,
          entries,
          inodes,
          contentBytes,
          nextIno,
          newBlocks,
          newStoredBytes,
          signatureBase64);
    }
  }

  /** A name that points at a version of a master. */
  public record ChannelRecord(String master, String name, int version) {}

  /**
   * What a node of a master read first at a boot.
   *
   * @param node which one
   * @param order a {@link io.mapfs.core.tree.BootOrder}, base64
   */
  public record BootRecord(String master, String node, long recordedMillis, String order) {}

  /**
   * A managed machine.
   *
   * @param overlayId number of its overlay, never used again
   * @param version the version that the overlay stood on when it was made
   * @param pendingVersion the version to move to at the next mount; 0 for none
   * @param channel the channel that it was last moved to; {@code null} if it was a number
   * @param quotaBytes most bytes of own content; 0 for unlimited
   * @param cacheBytes size of the node's block cache; 0 for its own default
   */
  public record NodeRecord(
      String name,
      long overlayId,
      String master,
      int version,
      int pendingVersion,
      String channel,
      long quotaBytes,
      long cacheBytes,
      String template,
      long createdMillis) {

    public NodeRecord withPending(int newPendingVersion, String newChannel) {
      return new NodeRecord(
          name,
          overlayId,
          master,
          version,
          newPendingVersion,
          newChannel,
          quotaBytes,
          cacheBytes,
          template,
          createdMillis);
    }

    public NodeRecord withQuota(long newQuotaBytes) {
      return new NodeRecord(
          name,
          overlayId,
          master,
          version,
          pendingVersion,
          channel,
          newQuotaBytes,
          cacheBytes,
          template,
          createdMillis);
    }
  }

  /**
   * The newest epoch of an overlay and who was given it.
   *
   * @param host whom; what the appliance was doing where it raised it itself (rollback, update)
   * @param sequence the head's when the lease was granted
   * @param pinned whether what the head was then stays readable for the holder: until it gives the
   *     lease back or the next epoch is given out
   * @param grantedBytes most that the overlay may have under this epoch; 0 for what the node's
   *     quota gives
   */
  public record LeaseRecord(
      String node,
      long epoch,
      String host,
      long grantedMillis,
      long sequence,
      boolean pinned,
      long grantedBytes) {

    public LeaseRecord pinned(long headSequence, long newGrantedBytes) {
      return new LeaseRecord(node, epoch, host, grantedMillis, headSequence, true, newGrantedBytes);
    }

    public LeaseRecord ended() {
      return new LeaseRecord(node, epoch, host, grantedMillis, sequence, false, grantedBytes);
    }

    public LeaseRecord granting(long newGrantedBytes) {
      return new LeaseRecord(node, epoch, host, grantedMillis, sequence, pinned, newGrantedBytes);
    }
  }

  /**
   * An epoch that was given out.
   *
   * @param host whom; what the appliance was doing where it raised it itself
   * @param sequence the last record that older epochs brought
   */
  public record EpochRecord(
      String node, long epoch, String host, long grantedMillis, long sequence) {}

  /**
   * A late tail: records that a node sealed under an epoch that was over when they came. They are
   * kept aside, in the order of their hashes, until the administrator drops them.
   *
   * @param id {@code t} and the number
   * @param host who was given the epoch; {@code null} if that is not known
   * @param firstSequence that of its first record
   */
  public record TailRecord(
      String node,
      long number,
      String id,
      long epoch,
      String host,
      long receivedMillis,
      long firstSequence) {}

  /**
   * A snapshot: an overlay at one place in its journal.
   *
   * @param id {@code s} and the number
   * @param sequence the place
   * @param hash of the record at that place, 64 hexadecimal digits
   * @param entries inodes and hidden names that differ from the version
   * @param ownBytes content bytes that are the overlay's own
   * @param automatic whether the appliance took it itself, before a rollback
   */
  public record SnapshotRecord(
      String node,
      long number,
      String id,
      String name,
      String comment,
      long createdMillis,
      String master,
      int version,
      long epoch,
      long sequence,
      String hash,
      long entries,
      long ownBytes,
      boolean automatic) {}

  /**
   * A certificate that was issued; the appliance accepts no other.
   *
   * @param id its serial number, 32 hexadecimal digits
   * @param role {@code node} or {@code administrator}
   * @param fingerprint SHA-256 of the certificate, 64 hexadecimal digits
   * @param issuedBy who asked for it
   * @param revokedMillis when it was revoked; 0 for not
   * @param publicKey that of the certificate, in PEM; {@code null} if an older release issued it
   */
  public record CredentialRecord(
      String id,
      String role,
      String name,
      String fingerprint,
      long issuedMillis,
      String issuedBy,
      long revokedMillis,
      String publicKey) {

    public CredentialRecord revoked(long nowMillis) {
      return new CredentialRecord(
          id, role, name, fingerprint, issuedMillis, issuedBy, nowMillis, publicKey);
    }
  }

  /**
   * A node whose overlay is encrypted. Its wrapped key is a file ({@link KeyFile}).
   *
   * @param erasedMillis when the key was erased; 0 for not
   */
  public record EncryptionRecord(String node, long erasedMillis) {}

  /**
   * The public half of the administrator's recovery key.
   *
   * @param id names the pair
   * @param publicKey in PEM
   */
  public record RecoveryRecord(String id, String publicKey, long createdMillis) {}

  /**
   * A token that was not used yet.
   *
   * @param secretHash SHA-256 of its secret, 64 hexadecimal digits
   */
  public record TokenRecord(
      String id,
      String node,
      String secretHash,
      long createdMillis,
      long expiresMillis,
      String createdBy) {}
}
