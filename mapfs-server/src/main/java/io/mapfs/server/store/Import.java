package io.mapfs.server.store;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ControlRecords.MasterRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;

/**
 * An import that has begun: the version that it would make is invisible until its commit.
 *
 * <p>Calls come one at a time.
 */
public final class Import {
  private final String id;
  private final MasterRecord master;
  private final Repository.Next next;
  private final String comment;
  private final Path part;
  private final Repository repository;
  private final Blocks blocks;
  private final ControlStore control;
  private FileChannel tree;
  private long treeBytes;

  Import(
      String id,
      MasterRecord master,
      Repository.Next next,
      String comment,
      Path part,
      Repository repository,
      Blocks blocks,
      ControlStore control) {
    this.id = id;
    this.master = master;
    this.next = next;
    this.comment = comment;
    this.part = part;
    this.repository = repository;
    this.blocks = blocks;
    this.control = control;
  }

  public String id() {
    return id;
  }

  public String master() {
    return master.name();
  }

  /** The number that the version will have. */
  public int version() {
    return next.version();
  }

  /** The newest version's number; 0 if there is none. */
  public int previousVersion() {
    return master.latest();
  }

  public long nextIno() {
    return next.nextIno();
  }

  /** Takes the next bytes of the tree file. */
  public void putTree(long offsetBytes, ByteBuffer data) throws IOException, ApplianceException {
    if (offsetBytes != treeBytes) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "import " + id + " expects the tree's bytes from " + treeBytes + ", not " + offsetBytes);
    }
    if (tree == null) {
      tree =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE);
    }
    ByteBuffer source = data.duplicate();
    while (source.hasRemaining()) {
      treeBytes += tree.write(source);
    }
  }

  /**
   * Verifies the tree and all that it names, and publishes the version.
   *
   * @param expectedHash root hash that the client computed, hexadecimal
   */
  public VersionRecord commit(
      long expectedBytes, String expectedHash, long newBlocks, long newStoredBytes)
      throws IOException, ApplianceException {
    if (tree == null || treeBytes != expectedBytes) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "import " + id + " has " + treeBytes + " bytes of tree, not " + expectedBytes);
    }
    tree.force(true);
    tree.close();
    tree = null;
    TreeIndex index = verified(expectedHash);
    blocks.sync();
    VersionRecord version =
        new VersionRecord(
            master.name(),
            version(),
            control.nowMillis(),
            comment,
            treeBytes,
            expectedHash,
            index.entryCount(),
            index.inodeCount(),
            index.contentBytes(),
            index.nextIno(),
            newBlocks,
            newStoredBytes,
            "");
    repository.publish(
        new MasterRecord(master.name(), master.createdMillis(), version.version(), index.nextIno()),
        version,
        part);
    return version;
  }

  private TreeIndex verified(String expectedHash) throws IOException, ApplianceException {
    TreeIndex index;
    try {
      index = TreeIndex.open(part, HexFormat.of().parseHex(expectedHash));
      index.verifyAll();
      requireBlocks(index);
    } catch (CorruptTreeException | IllegalArgumentException e) {
      throw new ApplianceException(
          FailureCode.CORRUPT, "the tree that was sent is not whole: " + e.getMessage(), e);
    }
    if (!index.master().equals(master.name())
        || index.version() != version()
        || index.nextIno() < nextIno()) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "the tree that was sent is that of version "
              + index.version()
              + " of "
              + index.master()
              + ", not of version "
              + version()
              + " of "
              + master.name());
    }
    return index;
  }

  private void requireBlocks(TreeIndex index) throws IOException, ApplianceException {
    BlockId[] missing = new BlockId[1];
    IOException[] failure = new IOException[1];
    BlockMembership.forEachBlock(
        index,
        block -> {
          try {
            if (missing[0] == null && failure[0] == null && !blocks.contains(block)) {
              missing[0] = block;
            }
          } catch (IOException e) {
            failure[0] = e;
          }
        });
    if (failure[0] != null) {
      throw failure[0];
    }
    if (missing[0] != null) {
      throw new ApplianceException(
          FailureCode.MISSING_BLOCK,
          "the tree that was sent names block " + missing[0] + ", which was not: import again");
    }
  }

  /** Leaves nothing but blocks, which the next import finds. */
  void abort() throws IOException {
    if (tree != null) {
      tree.close();
      tree = null;
    }
    Files.deleteIfExists(part);
  }
}
