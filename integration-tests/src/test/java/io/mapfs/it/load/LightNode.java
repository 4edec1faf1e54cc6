package io.mapfs.it.load;

import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.ClientSecurity;
import io.mapfs.client.Endpoint;
import io.mapfs.client.TreeFiles;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One node as the appliance sees it: reads blocks of its version a few batches ahead, as a cold
 * cache does, and ships journal records that write pages of one file of its own.
 */
final class LightNode implements AutoCloseable {
  private static final int BATCH_BYTES = 1 << 20;
  private static final int BATCHES_IN_FLIGHT = 2;
  private static final long FILE_PAGES = 16_384;

  /** What zstd cannot compress; a page is this with a number of its own, as it costs little. */
  private static final byte[] RANDOM_PAGE = randomPage();

  private final String name;
  private final ApplianceClient client;
  private final Random random;

  private Message.OverlayOpened opened;
  private long sequence;
  private byte[] hash;
  private long nextPage;
  private boolean fileMade;

  private LightNode(String name, ApplianceClient client) {
    this.name = name;
    this.client = client;
    this.random = new Random(name.hashCode());
  }

  static LightNode connect(Endpoint appliance, String name, ClientSecurity security)
      throws ApplianceException {
    ClientConfig config = ClientConfig.node(name, "light node").withSecurity(security);
    return new LightNode(name, ApplianceClient.connect(appliance, config));
  }

  private static byte[] randomPage() {
    byte[] page = new byte[Change.PAGE_BYTES];
    new Random(1).nextBytes(page);
    return page;
  }

  /** The blocks of a version; its tree is kept in a directory. */
  TreeBlocks blocks(String master, int version, Path trees) throws ApplianceException, IOException {
    return TreeBlocks.of(new TreeFiles(client, trees).open(master, version));
  }

  /**
   * Reads all these blocks.
   *
   * @param each told of every block that came, in order
   */
  void read(TreeBlocks tree, Consumer<StoredBlock> each) throws ApplianceException {
    Deque<CompletableFuture<Message.Blocks>> asked = new ArrayDeque<>();
    int next = 0;
    List<TreeBlocks.Wanted> wanted = tree.blocks();
    while (next < wanted.size() || !asked.isEmpty()) {
      while (next < wanted.size() && asked.size() < BATCHES_IN_FLIGHT) {
        List<BlockId> batch = new ArrayList<>();
        int bytes = 0;
        while (next < wanted.size() && bytes + wanted.get(next).rawBytes() <= BATCH_BYTES) {
          bytes += wanted.get(next).rawBytes();
          batch.add(wanted.get(next++).id());
        }
        asked.add(client.getBlocks(tree.scope(), batch, Priority.DEMAND));
      }
      ApplianceClient.await(asked.remove()).blocks().forEach(each);
    }
  }

  /** Takes the lease; what follows are records. */
  void open() throws ApplianceException {
    opened = ApplianceClient.await(client.openOverlay(name, "light", false));
    sequence = opened.sequence();
    hash = opened.hash();
  }

  /**
   * Ships a record that writes the next pages of the node's file, random ones.
   *
   * @return done when the appliance has it durably
   */
  CompletableFuture<Message.Appended> append(int pages) {
    List<Change> changes = new ArrayList<>();
    long ino = opened.nextIno();
    if (!fileMade) {
      changes.add(new Change.PutInode(ino, file()));
      changes.add(
          new Change.PutDentry(
              NodeId.ROOT,
              Name.of("light-" + opened.epoch()),
              ino,
              FileType.REGULAR,
              opened.nextCookie()));
      fileMade = true;
    }
    if (nextPage + pages > FILE_PAGES) {
      nextPage = 0;
    }
    List<ByteBuffer> contents = new ArrayList<>();
    ByteBuffer hashes = ByteBuffer.allocate(pages * Change.WritePages.HASH_BYTES);
    for (int i = 0; i < pages; i++) {
      byte[] content = RANDOM_PAGE.clone();
      ByteBuffer.wrap(content).putLong(0, random.nextLong());
      contents.add(ByteBuffer.wrap(content));
      hashes.put(Sha256.of(content));
    }
    changes.add(new Change.WritePages(ino, nextPage, hashes.array()));
    changes.sort(CanonicalOrder.INSTANCE);
    nextPage += pages;
    JournalRecord record =
        new JournalRecord(
            name, opened.epoch(), ++sequence, hash, System.currentTimeMillis(), changes);
    hash = RecordCodec.hash(record);
    return client.append(record, contents);
  }

  /** How far the appliance has this node's records. */
  long position() throws ApplianceException {
    return ApplianceClient.await(client.getPosition(name)).sequence();
  }

  long sequence() {
    return sequence;
  }

  private static InodeState file() {
    FileTime now = new FileTime(1_800_000_000, 0);
    return new InodeState(
        FileType.REGULAR,
        true,
        true,
        true,
        0644,
        0,
        0,
        1,
        0,
        FILE_PAGES * Change.PAGE_BYTES,
        now,
        now,
        now,
        now,
        null,
        0,
        0,
        0);
  }

  @Override
  public void close() {
    client.close();
  }
}
