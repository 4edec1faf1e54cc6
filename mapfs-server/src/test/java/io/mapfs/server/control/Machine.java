package io.mapfs.server.control;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.overlay.OverlayAccess;
import io.mapfs.core.overlay.OverlayConfig;
import io.mapfs.core.overlay.OverlayFileSystem;
import io.mapfs.core.overlay.OverlayPosition;
import io.mapfs.core.overlay.OverlayState;
import io.mapfs.core.overlay.ReadListener;
import io.mapfs.core.overlay.Versions;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * A machine that mounts a node's overlay: the node's own overlay code, the appliance's own code, no
 * kernel and no network between them. Nothing is sealed but by {@link OverlayAccess#cut}.
 */
final class Machine {
  static final long JOURNAL_SEGMENT_BYTES = 1 << 20;
  static final int PAGE_SEGMENT_SLOTS = 256;

  private final ApplianceRig rig;
  private final String node;
  final Path directory;
  private FakeSession session;
  OverlayFileSystem fs;

  /** Records in the local journal when it was last mounted. */
  long foundRecords;

  /** Rows that the last mount fetched from the appliance. */
  long fetchedRows;

  Machine(ApplianceRig rig, String node, Path directory) {
    this.rig = rig;
    this.node = node;
    this.directory = directory;
  }

  /** Mounts what was handed over before. */
  void mount() throws Exception {
    session = rig.session(node);
    OverlayState state = open();
    foundRecords = OverlayAccess.journalRecords(state);
    Message.OverlayOpened granted = rig.open(session, node, true);
    fetchedRows = 0;
    if (!state.isUsableAt(
        node,
        granted.master(),
        granted.version(),
        granted.sequence(),
        granted.hash(),
        granted.headEpoch())) {
      state.load(
          head(),
          new OverlayPosition(
              node,
              granted.epoch(),
              granted.sequence(),
              granted.hash(),
              granted.master(),
              granted.version(),
              granted.nextIno(),
              granted.nextCookie()));
    }
    state.beginMount(granted.epoch(), granted.nextIno(), granted.nextCookie());
    fs =
        OverlayFileSystem.mount(
            OverlayConfig.defaults().withSealIntervalMillis(3_600_000),
            state,
            versions(granted),
            new Blocks(),
            ReadListener.NONE,
            (record, pages) ->
                rig.appliance
                    .append(session, new Message.Append(record, pages))
                    .handle(Machine::acknowledged),
            Posix::coarseTime);
  }

  OverlayState open() throws IOException {
    return OverlayAccess.open(directory, JOURNAL_SEGMENT_BYTES, PAGE_SEGMENT_SLOTS);
  }

  private static Void acknowledged(Message.Appended appended, Throwable failure) {
    if (failure != null) {
      // The pipeline keeps the record and sends it again.
      throw new CompletionException(new IOException("a record was not accepted", failure));
    }
    return null;
  }

  private List<List<Change>> head() throws ApplianceException {
    List<List<Change>> pieces = new ArrayList<>();
    byte[] cursor = new byte[0];
    do {
      Message.HeadRows rows = rig.appliance.getHead(session, new Message.GetHead(node, cursor));
      pieces.add(rows.rows());
      fetchedRows += rows.rows().size();
      cursor = rows.nextCursor();
    } while (cursor.length > 0);
    return pieces;
  }

  private Versions versions(Message.OverlayOpened granted) throws IOException {
    TreeIndex tree =
        TreeIndex.open(
            rig.root.resolve("trees/" + granted.master() + "/" + granted.version() + ".tree"));
    return new Versions() {
      @Override
      public RepositoryTree current() {
        return tree;
      }

      @Override
      public RepositoryTree get(int version) throws IOException {
        throw new IOException("there is no version " + version);
      }
    };
  }

  /** Stops as kill -9 does; what the local copy holds stays for the next mount. */
  void crash() throws IOException {
    OverlayAccess.crash(fs);
    rig.disconnect(session);
  }

  /** Blocks from the appliance; none is kept here. */
  private final class Blocks implements BlockReader {
    @Override
    public void read(
        RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
        throws FsException {
      byte[] content;
      try {
        content =
            BlockCodec.decodeVerified(
                rig.appliance
                    .getBlocks(session, new Message.GetBlocks(scope, List.of(id)))
                    .blocks()
                    .iterator()
                    .next());
      } catch (ApplianceException | CorruptBlockException e) {
        throw new FsException(Errno.EIO, "block " + id, e);
      }
      int begin = Math.min(offsetBytes, content.length);
      target.put(content, begin, Math.min(target.remaining(), content.length - begin));
      target.put(new byte[target.remaining()]);
    }

    @Override
    public boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target) {
      return false;
    }

    @Override
    public void prefetch(ReadScope scope, Iterable<BlockId> ids) {}
  }
}
