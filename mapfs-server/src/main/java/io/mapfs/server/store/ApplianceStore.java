package io.mapfs.server.store;

import io.mapfs.core.block.PackStore;
import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.rocks.RocksOptions;
import io.mapfs.core.rocks.RocksStore;
import io.mapfs.core.security.CertificateAuthority;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.audit.AuditLog;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** An open store: everything that the appliance keeps. */
public final class ApplianceStore implements Closeable {
  private static final long ROWS_CACHE_BYTES = 48L << 20;
  private static final long ROWS_MEMTABLE_BYTES = 32L << 20;

  private final StoreDirectory directory;
  private final Deque<Closeable> opened = new ArrayDeque<>();
  private final SigningKey key;
  private final CertificateAuthority authority;
  private final RevocationList revocations;
  private final boolean isNew;
  private final AuditLog audit;
  private final ControlStore control;
  private final PackStore packs;
  private final Blocks blocks;
  private final KeyValueStore rows;
  private final SpaceReserve space;
  private final Repository repository;
  private final Imports imports;

  /**
   * Makes an empty store.
   *
   * @return its cluster id
   * @throws ApplianceException if something is there already
   */
  public static String init(Path root) throws ApplianceException {
    return StoreDirectory.init(root);
  }

  /**
   * Opens a store; one process at a time may have it.
   *
   * @param rowTables the tables that {@link #rows} is to have
   */
  public static ApplianceStore open(Path root, Clock clock, List<String> rowTables)
      throws ApplianceException {
    StoreDirectory directory = StoreDirectory.open(root);
    try {
      return new ApplianceStore(directory, clock, rowTables);
    } catch (IOException e) {
      throw Failures.of("cannot open the store " + root, e);
    }
  }

  private ApplianceStore(StoreDirectory directory, Clock clock, List<String> rowTables)
      throws IOException {
    this.directory = directory;
    opened.push(directory);
    try {
      key = directory.signingKey();
      boolean mayHaveIssued = directory.hasAuthority();
      authority = directory.authority();
      revocations = directory.revocations();
      audit = own(AuditLog.open(directory.audit(), clock));
      isNew = !mayHaveIssued || !(revocations.exists() || audit.hasActs() || directory.isUsed());
      space = new SpaceReserve(directory.root());
      // Packs and trees come with control records.
      requireUnlessNew(directory.control(), directory.isUsed());
      // Every write is durable, so that nothing but the last can be torn by a crash.
      control =
          new RocksControlStore(
              own(
                  RocksStore.open(
                      directory.control(),
                      RocksOptions.of(RocksControlStore.RECORDS, RocksControlStore.SERIES)
                          .withStrictLog())),
              clock);
      packs = openPacks();
      blocks = new Blocks(packs);
      requireUnlessNew(directory.rows(), !control.list(ControlTable.NODES, "").isEmpty());
      rows =
          own(
              RocksStore.open(
                  directory.rows(),
                  RocksOptions.of(rowTables.toArray(new String[0]))
                      .withBlockCacheBytes(ROWS_CACHE_BYTES)
                      .withMemtableBytes(ROWS_MEMTABLE_BYTES)));
      repository = new Repository(directory.trees(), control, key, directory.clusterId());
      repository.removeLeftovers();
      imports = new Imports(repository, blocks, control, space);
    } catch (IOException | RuntimeException e) {
      try {
        close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private PackStore openPacks() throws IOException {
    PackIndexDatabase index = PackIndexDatabase.open(directory.packIndex());
    try {
      PackStore opened = PackStore.open(directory.root(), index);
      own(index);
      return own(opened);
    } catch (DamagedStoreException e) {
      // It is marked now.
      index.close();
      return own(
          PackStore.open(directory.root(), own(PackIndexDatabase.open(directory.packIndex()))));
    } catch (IOException | RuntimeException e) {
      index.close();
      throw e;
    }
  }

  /** Refuses a store that is in use but has lost a database. */
  private static void requireUnlessNew(Path database, boolean used) throws IOException {
    if (used && !RocksStore.exists(database)) {
      throw new DamagedStoreException(
          "the database in " + database + " is missing: restore it from a copy", null);
    }
  }

  private <T extends Closeable> T own(T part) {
    opened.push(part);
    return part;
  }

  public String clusterId() {
    return directory.clusterId();
  }

  /** From now on the store may have encrypted overlays, and older releases refuse it. */
  public void allowEncryption() throws IOException {
    directory.allowEncryption();
  }

  public SigningKey key() {
    return key;
  }

  public CertificateAuthority authority() {
    return authority;
  }

  public RevocationList revocations() {
    return revocations;
  }

  /** Whether, by all that is not a control record, nobody has used the store yet. */
  public boolean isNew() {
    return isNew;
  }

  /** The directory. */
  public Path root() {
    return directory.root();
  }

  /** Where the first administrator's credential is left. */
  public Path adminCredential() {
    return adminCredential(directory.root());
  }

  /** Where it is left in the store of this directory. */
  public static Path adminCredential(Path root) {
    return root.resolve("keys/admin.pem");
  }

  public AuditLog audit() {
    return audit;
  }

  public ControlStore control() {
    return control;
  }

  public PackStore packs() {
    return packs;
  }

  public Blocks blocks() {
    return blocks;
  }

  /** The overlays' rows. */
  public KeyValueStore rows() {
    return rows;
  }

  public SpaceReserve space() {
    return space;
  }

  public Repository repository() {
    return repository;
  }

  public Imports imports() {
    return imports;
  }

  /** Where the nodes' directories are. */
  public Path overlays() {
    return directory.overlays();
  }

  /** Where a node's journal and manifests are. */
  public Path overlayDirectory(String node) {
    return overlays().resolve(node);
  }

  /** Closes everything, last opened first; the lock goes last. */
  @Override
  public void close() throws IOException {
    IOException first = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
