package io.mapfs.server.store;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.store.ControlRecords.ChannelRecord;
import io.mapfs.server.store.ControlRecords.MasterRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The masters, their versions and the trees of these. Safe for concurrent use. */
public final class Repository {
  /** The channel that is the newest version. */
  public static final String LATEST = "latest";

  static final String PART_SUFFIX = ".part";
  private static final String TREE_SUFFIX = ".tree";
  private static final Pattern TREE_FILE = Pattern.compile("([0-9]{1,9})\\.tree");
  private static final Pattern PART_FILE = Pattern.compile("i[0-9]+\\.part");

  /** Most bytes of block memberships that are kept. */
  private static final long MEMBERSHIP_BYTES_MAX = 64L << 20;

  private final Path directory;
  private final ControlStore control;
  private final SigningKey key;
  private final String clusterId;
  private final Map<VersionName, TreeIndex> trees = new ConcurrentHashMap<>();

  /** Held while a version's file and its record come or go, and by whoever compares them. */
  private final Object publishing = new Object();

  /** Held for reading while something is made to stand on a version, for writing at a deletion. */
  private final ReentrantReadWriteLock uses = new ReentrantReadWriteLock();

  /** Least recently used first; protected by itself. */
  private final Map<VersionName, BlockMembership> memberships =
      new LinkedHashMap<>(16, 0.75f, true);

  private record VersionName(String master, int version) {}

  Repository(Path directory, ControlStore control, SigningKey key, String clusterId) {
    this.directory = directory;
    this.control = control;
    this.key = key;
    this.clusterId = clusterId;
  }

  /** Removes the unfinished files of imports that were cut short, and nothing else. */
  void removeLeftovers() throws IOException {
    for (Path master : entries(directory)) {
      for (Path file : entries(master)) {
        if (PART_FILE.matcher(file.getFileName().toString()).matches()) {
          Files.delete(file);
        }
      }
    }
  }

  // ---- trees that no record names ----

  /**
   * Whole trees that no record names: of imports or deletions that a crash cut short; or of
   * versions whose records were lost. Nobody can tell, so they stay until an administrator removes
   * them.
   */
  public List<Path> unrecorded() throws IOException {
    List<Path> found = new ArrayList<>();
    for (Path master : entries(directory)) {
      found.addAll(unrecorded(master.getFileName().toString()));
    }
    return found;
  }

  private List<Path> unrecorded(String master) throws IOException {
    List<Path> found = new ArrayList<>();
    synchronized (publishing) {
      for (Path file : entries(directory.resolve(master))) {
        int version = versionOf(file);
        if (version > 0
            && control.get(ControlTable.VERSIONS, ControlTable.key(master, version)) == null) {
          found.add(file);
        }
      }
    }
    return found;
  }

  /** The version whose tree the file is by its name; 0 if by that it is none. */
  private static int versionOf(Path file) {
    Matcher name = TREE_FILE.matcher(file.getFileName().toString());
    return name.matches() ? Integer.parseInt(name.group(1)) : 0;
  }

  /** What is in a directory, in order; nothing if it is not there, or is none. */
  private static List<Path> entries(Path directory) throws IOException {
    List<Path> entries = new ArrayList<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> found = Files.newDirectoryStream(directory)) {
        found.forEach(entries::add);
      }
      entries.sort(null);
    }
    return entries;
  }

  /**
   * What the next version of a master may use.
   *
   * @param version its number
   * @param nextIno an inode number below which all may have been given out
   */
  record Next(int version, long nextIno) {}

  /** Numbers that no version had, not even one whose record was lost: overlays may stand on it. */
  Next next(MasterRecord master) throws IOException, ApplianceException {
    int last = master.latest();
    long nextIno = master.nextIno();
    for (Path file : unrecorded(master.name())) {
      last = Math.max(last, versionOf(file));
      try {
        nextIno = Math.max(nextIno, TreeIndex.open(file).nextIno());
      } catch (IOException | CorruptTreeException e) {
        throw new ApplianceException(
            FailureCode.CORRUPT,
            file
                + " has no record, and cannot be read: move it away before the next import ("
                + e.getMessage()
                + ")",
            e);
      }
    }
    return new Next(last + 1, nextIno);
  }

  // ---- masters and versions ----

  public List<MasterRecord> masters() throws IOException {
    return control.list(ControlTable.MASTERS, "");
  }

  public MasterRecord master(String name) throws IOException, ApplianceException {
    MasterRecord master = control.get(ControlTable.MASTERS, name);
    if (master == null) {
      throw Names.notFound("master", name, masters().stream().map(MasterRecord::name).toList());
    }
    return master;
  }

  public List<VersionRecord> versions(String master) throws IOException {
    return control.list(ControlTable.VERSIONS, master + "/");
  }

  public VersionRecord version(String master, int version) throws IOException, ApplianceException {
    VersionRecord record = control.get(ControlTable.VERSIONS, ControlTable.key(master, version));
    if (record == null) {
      MasterRecord known = master(master);
      throw new ApplianceException(
          FailureCode.NOT_FOUND,
          "master '"
              + master
              + "' has no version "
              + version
              + (known.latest() == 0
                  ? ": nothing was imported yet"
                  : "; the newest is " + known.latest()));
    }
    return record;
  }

  /** A version by number or channel. */
  public VersionRecord version(String master, String numberOrChannel)
      throws IOException, ApplianceException {
    if (numberOrChannel.matches("[0-9]{1,9}")) {
      return version(master, Integer.parseInt(numberOrChannel));
    }
    if (numberOrChannel.equals(LATEST)) {
      return version(master, master(master).latest());
    }
    master(master);
    ChannelRecord channel = control.get(ControlTable.CHANNELS, master + "/" + numberOrChannel);
    if (channel == null) {
      List<String> names = new ArrayList<>(List.of(LATEST));
      control
          .list(ControlTable.CHANNELS, master + "/")
          .forEach(existing -> names.add(existing.name()));
      throw Names.notFound("version or channel", numberOrChannel, names);
    }
    return version(master, channel.version());
  }

  /** The channels that point at a version. */
  public List<String> channels(VersionRecord version) throws IOException {
    List<String> names = new ArrayList<>();
    if (control.get(ControlTable.MASTERS, version.master()).latest() == version.version()) {
      names.add(LATEST);
    }
    for (ChannelRecord channel : control.list(ControlTable.CHANNELS, version.master() + "/")) {
      if (channel.version() == version.version()) {
        names.add(channel.name());
      }
    }
    return names;
  }

  // ---- trees ----

  /** The version's tree, checked against its signed record. */
  public TreeIndex tree(String master, int version) throws IOException {
    VersionName name = new VersionName(master, version);
    TreeIndex tree = trees.get(name);
    if (tree == null) {
      VersionRecord record = control.get(ControlTable.VERSIONS, ControlTable.key(master, version));
      if (record == null) {
        throw new IOException("master " + master + " has no version " + version);
      }
      requireSigned(record);
      tree = TreeIndex.open(treeFile(master, version), HexFormat.of().parseHex(record.treeHash()));
      TreeIndex other = trees.putIfAbsent(name, tree);
      tree = other == null ? tree : other;
    }
    return tree;
  }

  /** Refuses a version record that was not signed by this appliance. */
  public void requireSigned(VersionRecord record) throws IOException {
    byte[] signature;
    try {
      signature = Base64.getDecoder().decode(record.signature());
    } catch (IllegalArgumentException e) {
      signature = new byte[0];
    }
    if (!key.verifies(record.signedText(clusterId).getBytes(StandardCharsets.UTF_8), signature)) {
      throw new IOException(
          "version "
              + record.version()
              + " of "
              + record.master()
              + " does not have this appliance's signature: restore the store's control records");
    }
  }

  /** A piece of the version's tree file. */
  public Message.TreeChunk chunk(Message.GetTree request, int mostBytes)
      throws IOException, ApplianceException {
    VersionRecord record = version(request.master(), request.version());
    if (request.offsetBytes() < 0
        || request.offsetBytes() > record.treeBytes()
        || request.lengthBytes() < 1) {
      throw new ApplianceException(
          FailureCode.INVALID, "the tree has no bytes at " + request.offsetBytes());
    }
    int length =
        (int)
            Math.min(
                Math.min(request.lengthBytes(), mostBytes),
                record.treeBytes() - request.offsetBytes());
    ByteBuffer data = ByteBuffer.allocate(length);
    Path file = treeFile(request.master(), request.version());
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (data.hasRemaining()) {
        if (channel.read(data, request.offsetBytes() + data.position()) < 0) {
          throw new ApplianceException(
              FailureCode.CORRUPT, file + " is cut short: restore it from a backup");
        }
      }
    }
    return new Message.TreeChunk(record.treeBytes(), data.flip());
  }

  /** Whether the version names the block. */
  public boolean names(String master, int version, BlockId id) throws IOException {
    VersionName name = new VersionName(master, version);
    BlockMembership membership;
    synchronized (memberships) {
      membership = memberships.get(name);
    }
    if (membership == null) {
      // Two threads may both make it; the result is the same.
      membership = BlockMembership.of(tree(master, version));
      synchronized (memberships) {
        memberships.put(name, membership);
        trimLocked();
      }
    }
    return membership.contains(id);
  }

  /** How many times a version names a block that the store does not have. */
  public long countMissingBlocks(String master, int version, Blocks blocks) throws IOException {
    long[] missing = new long[1];
    IOException[] failure = new IOException[1];
    BlockMembership.forEachBlock(
        tree(master, version),
        id -> {
          try {
            missing[0] += blocks.contains(id) ? 0 : 1;
          } catch (IOException e) {
            failure[0] = e;
          }
        });
    if (failure[0] != null) {
      throw failure[0];
    }
    return missing[0];
  }

  private void trimLocked() {
    long bytes = memberships.values().stream().mapToLong(BlockMembership::bytes).sum();
    var oldest = memberships.entrySet().iterator();
    while (bytes > MEMBERSHIP_BYTES_MAX && memberships.size() > 1) {
      bytes -= oldest.next().getValue().bytes();
      oldest.remove();
    }
  }

  Path treeFile(String master, int version) {
    return directory.resolve(master).resolve(version + TREE_SUFFIX);
  }

  /** Tells every block that a version names, repeated ones too. */
  public void forEachBlock(String master, int version, Consumer<BlockId> consumer)
      throws IOException {
    BlockMembership.forEachBlock(tree(master, version), consumer);
  }

  // ---- use and deletion ----

  /** Something that makes an overlay stand on a version, or that deletes one. */
  @FunctionalInterface
  public interface Use<T> {
    T run() throws IOException, ApplianceException;
  }

  /** No version is deleted meanwhile. */
  public <T> T using(Use<T> use) throws IOException, ApplianceException {
    uses.readLock().lock();
    try {
      return use.run();
    } finally {
      uses.readLock().unlock();
    }
  }

  /**
   * Deletes a version; its blocks stay until the store is swept.
   *
   * @param check refuses if something still needs it; nothing new comes to need it meanwhile
   */
  public void delete(VersionRecord version, Use<?> check) throws IOException, ApplianceException {
    uses.writeLock().lock();
    try {
      check.run();
      VersionName name = new VersionName(version.master(), version.version());
      Path file = treeFile(version.master(), version.version());
      synchronized (publishing) {
        control.commit(
            ControlChange.delete(
                ControlTable.VERSIONS, ControlTable.key(version.master(), version.version())));
        Files.deleteIfExists(file);
        DurableFiles.syncDirectory(file.getParent());
      }
      trees.remove(name);
      synchronized (memberships) {
        memberships.remove(name);
      }
    } finally {
      uses.writeLock().unlock();
    }
  }

  // ---- publishing ----

  /**
   * Makes a verified tree file a version. The file is synced and its blocks are durable.
   *
   * @param part where the tree file lies, in the master's directory
   */
  void publish(MasterRecord master, VersionRecord version, Path part) throws IOException {
    VersionRecord signed =
        version.signed(
            Base64.getEncoder()
                .encodeToString(
                    key.sign(version.signedText(clusterId).getBytes(StandardCharsets.UTF_8))));
    synchronized (publishing) {
      DurableFiles.publish(part, treeFile(version.master(), version.version()));
      control.commit(
          ControlChange.put(
              ControlTable.VERSIONS, ControlTable.key(version.master(), version.version()), signed),
          ControlChange.put(ControlTable.MASTERS, master.name(), master));
    }
  }

  /** Where a master's trees are; made if it is not there. */
  Path masterDirectory(String master) throws IOException {
    Path made = directory.resolve(master);
    DurableFiles.createDirectories(made);
    return made;
  }
}
