package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.importer.ImportException;
import io.mapfs.core.importer.ImportStatistics;
import io.mapfs.core.importer.ImportTarget;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * An import into an appliance, over a connection that it needs to the end: what was uploaded is
 * kept for the connection that began the import. Closing it before {@link #commit} abandons it.
 */
public final class RemoteImportTarget implements ImportTarget, AutoCloseable {
  /** Most payload bytes of one message. */
  private static final int BATCH_BYTES = 4 << 20;

  /** Most payload bytes on the way. */
  private static final int WINDOW_BYTES = 16 << 20;

  private final ApplianceClient client;
  private final String master;
  private final String importId;
  private final int version;
  private final long nextIno;
  private final TreeIndex previousTree;

  /** On the way, oldest first. Only {@link #put} and what follows it use this. */
  private final ArrayDeque<Upload> window = new ArrayDeque<>();

  private long windowBytes;
  private boolean committed;

  private record Upload(CompletableFuture<Message.Done> done, int bytes) {}

  private RemoteImportTarget(
      ApplianceClient client,
      String master,
      String importId,
      int version,
      long nextIno,
      TreeIndex previousTree) {
    this.client = client;
    this.master = master;
    this.importId = importId;
    this.version = version;
    this.nextIno = nextIno;
    this.previousTree = previousTree;
  }

  /**
   * Begins an import; the previous version's tree is downloaded if there is one.
   *
   * @param create whether a master that does not exist is made
   * @param comment kept with the version; may be {@code null}
   * @param trees where tree index files are kept between imports
   * @throws ApplianceException if the appliance refuses: another import is under way, a bad name
   */
  public static RemoteImportTarget begin(
      ApplianceClient client, String master, boolean create, String comment, TreeFiles trees)
      throws ApplianceException, IOException {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("master", master);
    parameters.addProperty("create", create);
    if (comment != null) {
      parameters.addProperty("comment", comment);
    }
    JsonObject begun = client.call("import.begin", parameters);
    String importId = begun.get("importId").getAsString();
    int previous = begun.get("previousVersion").getAsInt();
    try {
      TreeIndex tree = previous == 0 ? null : trees.open(master, previous);
      return new RemoteImportTarget(
          client,
          master,
          importId,
          begun.get("version").getAsInt(),
          begun.get("nextIno").getAsLong(),
          tree);
    } catch (ApplianceException | IOException | RuntimeException e) {
      abort(client, importId);
      throw e;
    }
  }

  @Override
  public String master() {
    return master;
  }

  @Override
  public int version() {
    return version;
  }

  @Override
  public Optional<RepositoryTree> previousTree() {
    return Optional.ofNullable(previousTree);
  }

  @Override
  public long nextIno() {
    return nextIno;
  }

  @Override
  public BitSet missing(List<BlockId> ids) throws ImportException, InterruptedException {
    BitSet missing = new BitSet(ids.size());
    missing.set(0, ids.size());
    for (int from = 0; from < ids.size(); from += Limits.MAX_IDS) {
      List<BlockId> part = ids.subList(from, Math.min(ids.size(), from + Limits.MAX_IDS));
      // Version 0 of a master stands for the import into it.
      BitSet present =
          await(client.haveBlocks(new ReadScope.Version(master, 0), part, Priority.DEMAND))
              .present();
      for (int i = present.nextSetBit(0); i >= 0; i = present.nextSetBit(i + 1)) {
        missing.clear(from + i);
      }
    }
    return missing;
  }

  @Override
  public void put(List<StoredBlock> blocks) throws ImportException, InterruptedException {
    List<StoredBlock> batch = new ArrayList<>();
    int bytes = 0;
    for (StoredBlock block : blocks) {
      int next = block.payload().remaining();
      if (!batch.isEmpty() && (bytes + next > BATCH_BYTES || batch.size() == Limits.MAX_IDS)) {
        upload(batch, bytes);
        batch = new ArrayList<>();
        bytes = 0;
      }
      batch.add(block);
      bytes += next;
    }
    if (!batch.isEmpty()) {
      upload(batch, bytes);
    }
  }

  private void upload(List<StoredBlock> batch, int bytes)
      throws ImportException, InterruptedException {
    awaitWindow(WINDOW_BYTES - bytes);
    send(client.putBlocks(batch, Priority.PREFETCH), bytes);
  }

  private void send(CompletableFuture<Message.Done> done, int bytes) {
    window.add(new Upload(done, bytes));
    windowBytes += bytes;
  }

  /** Waits, oldest first, until no more than so many bytes are on the way. */
  private void awaitWindow(long mostBytes) throws ImportException, InterruptedException {
    while (!window.isEmpty() && (windowBytes > mostBytes || window.peek().done().isDone())) {
      Upload oldest = window.remove();
      windowBytes -= oldest.bytes();
      await(oldest.done());
    }
  }

  @Override
  public int commit(Path treeFile, ImportStatistics statistics)
      throws ImportException, InterruptedException {
    try {
      awaitWindow(0);
      TreeIndex index = TreeIndex.open(treeFile);
      try (FileChannel channel = FileChannel.open(treeFile, StandardOpenOption.READ)) {
        uploadTree(channel, index.fileBytes());
      }
      JsonObject parameters = new JsonObject();
      parameters.addProperty("importId", importId);
      parameters.addProperty("treeBytes", index.fileBytes());
      parameters.addProperty("treeHash", HexFormat.of().formatHex(index.rootHash()));
      parameters.add("stats", document(statistics));
      JsonObject published = client.call("import.commit", parameters);
      committed = true;
      return published.get("version").getAsInt();
    } catch (ApplianceException e) {
      throw new ImportException(e.getMessage(), e);
    } catch (IOException e) {
      throw new ImportException(
          "cannot read the tree index " + treeFile + ": " + e.getMessage(), e);
    }
  }

  private void uploadTree(FileChannel channel, long bytes)
      throws IOException, ImportException, InterruptedException {
    for (long offset = 0; offset < bytes; ) {
      int length = (int) Math.min(Limits.MAX_TREE_CHUNK_BYTES, bytes - offset);
      awaitWindow(WINDOW_BYTES - length);
      ByteBuffer chunk = ByteBuffer.allocate(length);
      while (chunk.hasRemaining()) {
        if (channel.read(chunk, offset + chunk.position()) < 0) {
          throw new IOException("it became shorter");
        }
      }
      send(client.putTree(importId, offset, chunk.flip()), length);
      offset += length;
    }
    awaitWindow(0);
  }

  private static JsonObject document(ImportStatistics statistics) {
    JsonObject document = new JsonObject();
    document.addProperty("entries", statistics.entries());
    document.addProperty("inodes", statistics.inodes());
    document.addProperty("contentBytes", statistics.contentBytes());
    document.addProperty("newBlocks", statistics.newBlocks());
    document.addProperty("newRawBytes", statistics.newRawBytes());
    document.addProperty("newStoredBytes", statistics.newStoredBytes());
    document.addProperty("nextIno", statistics.nextIno());
    return document;
  }

  private static <T> T await(CompletableFuture<T> answer)
      throws ImportException, InterruptedException {
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      throw new ImportException(e.getCause().getMessage(), e.getCause());
    }
  }

  /** Abandons the import unless it was committed. */
  @Override
  public void close() {
    window.forEach(upload -> upload.done().cancel(true));
    if (!committed && client.isConnected()) {
      abort(client, importId);
    }
  }

  private static void abort(ApplianceClient client, String importId) {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("importId", importId);
    try {
      client.call("import.abort", parameters);
    } catch (ApplianceException e) {
      // The end of the connection, which follows, abandons it as well.
      return;
    }
  }
}
