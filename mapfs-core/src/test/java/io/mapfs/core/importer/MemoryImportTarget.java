package io.mapfs.core.importer;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TreeIndex;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** A master in memory that takes one version after the other; blocks are verified. For tests. */
public final class MemoryImportTarget implements ImportTarget {
  private final Path directory;
  private final Map<BlockId, StoredBlock> blocks = new ConcurrentHashMap<>();
  private final List<TreeIndex> versions = new ArrayList<>();
  private final boolean keepContent;
  private ImportStatistics lastStatistics;

  /**
   * A master without versions.
   *
   * @param directory where the tree files are kept
   */
  public MemoryImportTarget(Path directory) {
    this(directory, true);
  }

  /**
   * @param keepContent whether blocks can be read back
   */
  public MemoryImportTarget(Path directory, boolean keepContent) {
    this.directory = directory;
    this.keepContent = keepContent;
  }

  @Override
  public String master() {
    return "test";
  }

  @Override
  public int version() {
    return versions.size() + 1;
  }

  @Override
  public Optional<RepositoryTree> previousTree() {
    return versions.isEmpty() ? Optional.empty() : Optional.of(versions.get(versions.size() - 1));
  }

  @Override
  public long nextIno() {
    return versions.isEmpty() ? 2 : versions.get(versions.size() - 1).nextIno();
  }

  @Override
  public BitSet missing(List<BlockId> ids) {
    if (ids.size() > BATCH_BLOCKS_MAX) {
      throw new IllegalArgumentException("too many ids: " + ids.size());
    }
    BitSet missing = new BitSet();
    for (int i = 0; i < ids.size(); i++) {
      missing.set(i, !blocks.containsKey(ids.get(i)));
    }
    return missing;
  }

  @Override
  public void put(List<StoredBlock> batch) throws ImportException {
    int rawBytes = 0;
    for (StoredBlock block : batch) {
      rawBytes += block.rawBytes();
      try {
        BlockCodec.decodeVerified(block);
      } catch (CorruptBlockException e) {
        throw new ImportException(e.getMessage(), e);
      }
      StoredBlock kept =
          keepContent
              ? block
              : new StoredBlock(
                  block.id(), block.codec(), block.rawBytes(), java.nio.ByteBuffer.allocate(0));
      if (blocks.put(block.id(), kept) != null) {
        throw new ImportException("block " + block.id() + " was put twice");
      }
    }
    if (rawBytes > BATCH_BYTES_MAX || batch.size() > BATCH_BLOCKS_MAX) {
      throw new IllegalArgumentException("too much in one batch");
    }
  }

  @Override
  public int commit(Path treeFile, ImportStatistics statistics) throws ImportException {
    try {
      Path kept = directory.resolve("v" + version());
      Files.copy(treeFile, kept);
      TreeIndex tree = TreeIndex.open(kept);
      tree.verifyAll();
      for (int slot = 0; slot < tree.inodeCount(); slot++) {
        for (int i = 0; i < tree.blockCount(slot); i++) {
          BlockId id = tree.block(slot, i);
          if (id != null && !blocks.containsKey(id)) {
            throw new ImportException("block " + id + " was never put");
          }
        }
      }
      versions.add(tree);
      lastStatistics = statistics;
      return versions.size();
    } catch (IOException e) {
      throw new ImportException(e.getMessage(), e);
    }
  }

  /** A committed version's tree; versions count from 1. */
  public TreeIndex tree(int version) {
    return versions.get(version - 1);
  }

  public int versionCount() {
    return versions.size();
  }

  public ImportStatistics lastStatistics() {
    return lastStatistics;
  }

  public int storedBlocks() {
    return blocks.size();
  }

  /** A regular file's content in the newest version. */
  public byte[] content(int slot) throws CorruptBlockException {
    TreeIndex tree = versions.get(versions.size() - 1);
    long size = tree.attributes(slot).sizeBytes();
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (int i = 0; i < tree.blockCount(slot); i++) {
      BlockId id = tree.block(slot, i);
      content.writeBytes(
          id == null
              ? new byte[(int) Math.min(BlockId.BLOCK_BYTES, size - content.size())]
              : BlockCodec.decodeVerified(blocks.get(id)));
    }
    return content.toByteArray();
  }
}
