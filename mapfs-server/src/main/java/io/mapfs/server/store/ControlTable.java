package io.mapfs.server.store;

import io.mapfs.server.store.ControlRecords.BootRecord;
import io.mapfs.server.store.ControlRecords.ChannelRecord;
import io.mapfs.server.store.ControlRecords.CredentialRecord;
import io.mapfs.server.store.ControlRecords.EncryptionRecord;
import io.mapfs.server.store.ControlRecords.EpochRecord;
import io.mapfs.server.store.ControlRecords.LeaseRecord;
import io.mapfs.server.store.ControlRecords.MasterRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.RecoveryRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlRecords.TailRecord;
import io.mapfs.server.store.ControlRecords.TokenRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;

/**
 * One kind of control record.
 *
 * @param name the kind's name in keys
 * @param type what its documents are
 */
public record ControlTable<T>(String name, Class<T> type) {
  public static final ControlTable<MasterRecord> MASTERS =
      new ControlTable<>("master", MasterRecord.class);

  /** Keyed by master and version. */
  public static final ControlTable<VersionRecord> VERSIONS =
      new ControlTable<>("version", VersionRecord.class);

  /** Keyed by master and channel. */
  public static final ControlTable<ChannelRecord> CHANNELS =
      new ControlTable<>("channel", ChannelRecord.class);

  public static final ControlTable<NodeRecord> NODES = new ControlTable<>("node", NodeRecord.class);

  public static final ControlTable<LeaseRecord> LEASES =
      new ControlTable<>("lease", LeaseRecord.class);

  /** Keyed by master. */
  public static final ControlTable<BootRecord> BOOTS = new ControlTable<>("boot", BootRecord.class);

  /** Keyed by node and epoch. */
  public static final ControlTable<EpochRecord> EPOCHS =
      new ControlTable<>("epoch", EpochRecord.class);

  /** Keyed by node and tail number. */
  public static final ControlTable<TailRecord> TAILS = new ControlTable<>("tail", TailRecord.class);

  /** Keyed by node and snapshot number. */
  public static final ControlTable<SnapshotRecord> SNAPSHOTS =
      new ControlTable<>("snapshot", SnapshotRecord.class);

  /** Keyed by id. */
  public static final ControlTable<CredentialRecord> CREDENTIALS =
      new ControlTable<>("credential", CredentialRecord.class);

  /** Keyed by id. */
  public static final ControlTable<TokenRecord> TOKENS =
      new ControlTable<>("token", TokenRecord.class);

  /** Keyed by node; of those alone whose overlays are encrypted. */
  public static final ControlTable<EncryptionRecord> ENCRYPTIONS =
      new ControlTable<>("encryption", EncryptionRecord.class);

  /** Has one record at most. */
  public static final ControlTable<RecoveryRecord> RECOVERY =
      new ControlTable<>("recovery", RecoveryRecord.class);

  /** A key of a name and a number, in the number's order. */
  public static String key(String name, long number) {
    return name + "/" + String.format("%016x", number);
  }
}
