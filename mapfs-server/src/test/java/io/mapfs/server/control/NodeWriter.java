package io.mapfs.server.control;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** What a node's daemon does towards the appliance: seals records and ships them. */
final class NodeWriter {
  static final FileTime TIME = new FileTime(2_000_000, 5);

  final ApplianceRig rig;
  final FakeSession session;
  final Message.OverlayOpened opened;
  long sequence;
  byte[] hash;
  private final List<Change> batch = new ArrayList<>();
  private final Map<Long, Map<Long, byte[]>> pages = new TreeMap<>();

  NodeWriter(ApplianceRig rig, FakeSession session, Message.OverlayOpened opened) {
    this.rig = rig;
    this.session = session;
    this.opened = opened;
    this.sequence = opened.sequence();
    this.hash = opened.hash();
  }

  NodeWriter add(Change change) {
    batch.add(change);
    return this;
  }

  NodeWriter page(long ino, long page, byte[] content) {
    byte[] whole = new byte[Change.PAGE_BYTES];
    System.arraycopy(content, 0, whole, 0, content.length);
    pages.computeIfAbsent(ino, key -> new TreeMap<>()).put(page, whole);
    return this;
  }

  /** A new regular file with this content, under a name. */
  NodeWriter file(long parent, String name, long ino, byte[] content) throws Exception {
    add(new Change.PutInode(ino, own(FileType.REGULAR, 0644, content.length, 0)));
    add(new Change.PutDentry(parent, Name.of(name), ino, FileType.REGULAR, ino & 0xFFFF));
    write(ino, 0, content);
    return this;
  }

  NodeWriter directory(long parent, String name, long ino) {
    add(new Change.PutInode(ino, own(FileType.DIRECTORY, 0755, 0, parent)));
    add(new Change.PutDentry(parent, Name.of(name), ino, FileType.DIRECTORY, ino & 0xFFFF));
    return this;
  }

  NodeWriter write(long ino, long firstPage, byte[] content) {
    for (int at = 0; at < content.length; at += Change.PAGE_BYTES) {
      int length = Math.min(Change.PAGE_BYTES, content.length - at);
      byte[] part = new byte[length];
      System.arraycopy(content, at, part, 0, length);
      page(ino, firstPage + at / Change.PAGE_BYTES, part);
    }
    return this;
  }

  /** An inode that was born in the overlay. */
  static InodeState own(FileType type, int permissions, long sizeBytes, long parentIno) {
    return new InodeState(
        type,
        true,
        true,
        true,
        permissions,
        0,
        0,
        1,
        0,
        sizeBytes,
        TIME,
        TIME,
        TIME,
        TIME,
        null,
        0,
        0,
        parentIno);
  }

  /** A repository file whose data became the overlay's own; attributes stay inherited. */
  static InodeState ownData(int baseVersion, long baseLimitBytes, long sizeBytes) {
    return new InodeState(
        FileType.REGULAR,
        false,
        true,
        false,
        0,
        0,
        0,
        0,
        0,
        sizeBytes,
        TIME,
        TIME,
        TIME,
        FileTime.EPOCH,
        null,
        baseVersion,
        baseLimitBytes,
        0);
  }

  /** A repository inode whose attributes became the overlay's own; data stays inherited. */
  static InodeState ownAttributes(FileType type, int permissions) {
    return new InodeState(
        type,
        true,
        false,
        false,
        permissions,
        7,
        8,
        0,
        0,
        0,
        TIME,
        FileTime.EPOCH,
        TIME,
        TIME,
        null,
        0,
        0,
        0);
  }

  /** The next record, not sent. */
  Message.Append seal() throws Exception {
    List<ByteBuffer> buffers = new ArrayList<>();
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    List<Change> changes = new ArrayList<>(batch);
    for (Map.Entry<Long, Map<Long, byte[]>> file : pages.entrySet()) {
      long start = -1;
      ByteBuffer hashes = ByteBuffer.allocate(file.getValue().size() * 32);
      long expected = -1;
      for (Map.Entry<Long, byte[]> page : file.getValue().entrySet()) {
        if (page.getKey() != expected) {
          write(changes, file.getKey(), start, hashes);
          start = page.getKey();
        }
        hashes.put(digest.digest(page.getValue()));
        buffers.add(ByteBuffer.wrap(page.getValue()));
        expected = page.getKey() + 1;
      }
      write(changes, file.getKey(), start, hashes);
    }
    changes.sort(CanonicalOrder.INSTANCE);
    batch.clear();
    pages.clear();
    JournalRecord record =
        new JournalRecord(session.node(), opened.epoch(), sequence + 1, hash, 1_000, changes);
    sequence++;
    hash = RecordCodec.hash(record);
    return new Message.Append(record, buffers);
  }

  private static void write(List<Change> changes, long ino, long start, ByteBuffer hashes) {
    if (hashes.position() > 0) {
      byte[] bytes = new byte[hashes.position()];
      hashes.flip().get(bytes);
      hashes.clear();
      changes.add(new Change.WritePages(ino, start, bytes));
    }
  }

  /** Seals, ships and waits for the acknowledgement. */
  long ship() throws Exception {
    return send(seal());
  }

  long send(Message.Append append) throws Exception {
    CompletableFuture<Message.Appended> appended = rig.appliance.append(session, append);
    try {
      return appended.get(30, TimeUnit.SECONDS).sequence();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ApplianceException refused) {
        throw refused;
      }
      throw e;
    }
  }

  void unmount() throws ApplianceException {
    rig.appliance.closeOverlay(session, new Message.CloseOverlay(session.node(), opened.epoch()));
    rig.disconnect(session);
  }
}
