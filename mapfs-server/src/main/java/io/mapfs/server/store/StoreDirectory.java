package io.mapfs.server.store;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.security.CertificateAuthority;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * The layout of a store directory, and the lock that one process holds on it.
 *
 * <pre>
 *   FORMAT      what this is
 *   LOCK        locked while an appliance runs on it
 *   keys/       the signing key, the certificates' authority, what was revoked, the first
 *               administrator's credential
 *   audit/      what administrators did
 *   control/    control records (RocksDB)
 *   packs/      blocks
 *   index/      where each block lies (RocksDB); made again from the packs if it is lost
 *   trees/      (master)/(version).tree
 *   rows/       the overlays' rows (RocksDB)
 *   overlays/   (node)/journal, (node)/snapshots, (node)/tails, (node)/key
 * </pre>
 */
public final class StoreDirectory implements Closeable {
  private static final int CLUSTER_ID_BYTES = 16;

  private final Path root;
  private volatile StoreFormat format;
  private final FileChannel lockChannel;

  private StoreDirectory(Path root, StoreFormat format, FileChannel lockChannel) {
    this.root = root;
    this.format = format;
    this.lockChannel = lockChannel;
  }

  /**
   * Makes an empty store.
   *
   * @return its cluster id
   * @throws ApplianceException CONFLICT if there is one already, INVALID if something else is there
   */
  public static String init(Path root) throws ApplianceException {
    try {
      if (Files.exists(root.resolve("FORMAT"))) {
        String clusterId = StoreFormat.read(root.resolve("FORMAT")).clusterId();
        throw new ApplianceException(
            FailureCode.CONFLICT,
            root + " is a store already (cluster " + clusterId + "): serve it, or choose another");
      }
      if (Files.exists(root)) {
        if (!Files.isDirectory(root)) {
          throw new ApplianceException(
              FailureCode.INVALID, root + " is not a directory: choose another for the store");
        }
        requireEmpty(root);
      }
      DurableFiles.createDirectories(root.resolve("keys"));
      SigningKey.generate(root.resolve("keys/signing.key"), root.resolve("keys/signing.pub"));
      byte[] id = new byte[CLUSTER_ID_BYTES];
      new SecureRandom().nextBytes(id);
      StoreFormat format = new StoreFormat(HexFormat.of().formatHex(id), StoreFormat.PLAIN);
      // Last: a directory without FORMAT is no store, whatever a crash left in it.
      DurableFiles.write(
          root.resolve("FORMAT"), format.encode().getBytes(StandardCharsets.US_ASCII));
      return format.clusterId();
    } catch (IOException e) {
      throw Failures.of("cannot make a store in " + root, e);
    }
  }

  private static void requireEmpty(Path root) throws ApplianceException, IOException {
    try (Stream<Path> entries = Files.list(root)) {
      // A fresh ext4 has lost+found; keys/ is what an interrupted init leaves.
      List<String> others =
          entries
              .map(path -> path.getFileName().toString())
              .filter(name -> !name.equals("lost+found") && !name.equals("keys"))
              .toList();
      if (!others.isEmpty()) {
        throw new ApplianceException(
            FailureCode.INVALID,
            root + " is not empty (it has " + others.get(0) + "): choose an empty directory");
      }
    }
  }

  /**
   * Opens and locks a store.
   *
   * @throws ApplianceException NOT_FOUND, INCOMPATIBLE, CORRUPT, or CONFLICT if another process has
   *     it
   */
  public static StoreDirectory open(Path root) throws ApplianceException {
    try {
      StoreFormat format;
      try {
        format = StoreFormat.read(root.resolve("FORMAT"));
      } catch (NoSuchFileException e) {
        throw new ApplianceException(
            FailureCode.NOT_FOUND,
            root + " is not a store: make one with 'mapfs appliance init --store " + root + "'",
            e);
      }
      FileChannel channel = lock(root);
      for (String name : List.of("control", "packs", "index", "trees", "rows", "overlays")) {
        DurableFiles.createDirectories(root.resolve(name));
      }
      return new StoreDirectory(root, format, channel);
    } catch (IOException e) {
      throw Failures.of("cannot open the store " + root, e);
    }
  }

  private static FileChannel lock(Path root) throws ApplianceException, IOException {
    FileChannel channel =
        FileChannel.open(root.resolve("LOCK"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw inUse(root, e);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw inUse(root, null);
  }

  private static ApplianceException inUse(Path root, Exception cause) {
    return new ApplianceException(
        FailureCode.CONFLICT,
        "the store " + root + " is in use by another appliance: stop that one first",
        cause);
  }

  String clusterId() {
    return format.clusterId();
  }

  /** From now on the store may have encrypted overlays; durable on return. */
  synchronized void allowEncryption() throws IOException {
    if (format.version() < StoreFormat.ENCRYPTED) {
      StoreFormat raised = new StoreFormat(format.clusterId(), StoreFormat.ENCRYPTED);
      DurableFiles.write(
          root.resolve("FORMAT"), raised.encode().getBytes(StandardCharsets.US_ASCII));
      format = raised;
    }
  }

  Path root() {
    return root;
  }

  Path control() {
    return root.resolve("control");
  }

  /** Whether something was ever stored here. */
  boolean isUsed() throws IOException {
    return hasEntries(root.resolve("packs")) || hasEntries(trees());
  }

  private static boolean hasEntries(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.findAny().isPresent();
    }
  }

  Path packIndex() {
    return root.resolve("index");
  }

  Path trees() {
    return root.resolve("trees");
  }

  Path rows() {
    return root.resolve("rows");
  }

  Path overlays() {
    return root.resolve("overlays");
  }

  SigningKey signingKey() throws IOException {
    return SigningKey.read(root.resolve("keys/signing.key"), root.resolve("keys/signing.pub"));
  }

  private Path authorityFile() {
    return root.resolve("keys/authority.pem");
  }

  /** Whether there is an authority, which may have issued certificates. */
  boolean hasAuthority() {
    return Files.exists(authorityFile());
  }

  /** The certificates' authority; made if the store is new, or of a release that had none. */
  CertificateAuthority authority() throws IOException {
    Path file = authorityFile();
    if (hasAuthority()) {
      return CertificateAuthority.decode(
          Files.readString(file, StandardCharsets.US_ASCII), clusterId());
    }
    CertificateAuthority authority = CertificateAuthority.create(clusterId());
    DurableFiles.write(file, authority.encode().getBytes(StandardCharsets.US_ASCII));
    return authority;
  }

  RevocationList revocations() throws IOException {
    return RevocationList.open(root.resolve("keys/revoked"));
  }

  Path audit() {
    return root.resolve("audit");
  }

  /** Lets another process have the store. */
  @Override
  public void close() throws IOException {
    lockChannel.close();
  }
}
