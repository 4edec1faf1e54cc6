package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads bytes that the overlay inherits or that it has at the appliance: a version's file, a remote
 * block, zeros. Waits for the network; called without a lock.
 */
final class SourceReader {
  private static final Logger LOG = LoggerFactory.getLogger(SourceReader.class);
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  private final RepositoryTree base;
  private final PageLog pageLog;
  private final Versions versions;
  private final BlockReader reader;
  private final ReadListener listener;
  private final ReadScope overlayScope;

  SourceReader(
      PageLog pageLog,
      Versions versions,
      BlockReader reader,
      ReadListener listener,
      ReadScope overlayScope) {
    this.base = versions.current();
    this.pageLog = pageLog;
    this.versions = versions;
    this.reader = reader;
    this.listener = listener;
    this.overlayScope = overlayScope;
  }

  /** Reads from a block that the appliance has. */
  void readRemote(RequestContext context, BlockId block, int within, ByteBuffer target)
      throws FsException {
    reader.read(context, overlayScope, block, within, target);
  }

  /** Reads what an own file inherits: the base's bytes below the limit, then zeros. */
  void readInherited(
      RequestContext context,
      long ino,
      int baseVersion,
      long limitBytes,
      long offsetBytes,
      ByteBuffer target)
      throws FsException {
    int end = target.limit();
    int visible = (int) Math.max(0, Math.min(target.remaining(), limitBytes - offsetBytes));
    if (visible > 0) {
      RepositoryTree from = version(baseVersion);
      int slot = from.slotOf(ino);
      if (slot == RepositoryTree.NONE || from.type(slot) != FileType.REGULAR) {
        LOG.error(
            "inode {} inherits content from version {} of {}, which does not have it",
            ino,
            baseVersion,
            from.master());
        throw new FsException(Errno.EIO, "inode " + ino + " has lost its base");
      }
      target.limit(target.position() + visible);
      readBase(context, from, slot, offsetBytes, target);
      target.limit(end);
    }
    zero(target);
  }

  RepositoryTree version(int number) throws FsException {
    if (number == base.version()) {
      return base;
    }
    try {
      return versions.get(number);
    } catch (IOException e) {
      throw new FsException(Errno.EIO, "version " + number + " cannot be had", e);
    }
  }

  /** Fills the buffer from a version's file; what is past its end is zeros. */
  void readBase(
      RequestContext context, RepositoryTree from, int slot, long offsetBytes, ByteBuffer target)
      throws FsException {
    int end = target.limit();
    long sizeBytes = from.attributes(slot).sizeBytes();
    long readEnd = Math.min(sizeBytes, offsetBytes + target.remaining());
    if (offsetBytes < readEnd) {
      int firstBlock = (int) (offsetBytes / BlockId.BLOCK_BYTES);
      listener.reading(from, slot, firstBlock, (int) ((readEnd - 1) / BlockId.BLOCK_BYTES));
      ReadScope scope = new ReadScope.Version(from.master(), from.version());
      long at = offsetBytes;
      while (at < readEnd) {
        int block = (int) (at / BlockId.BLOCK_BYTES);
        int within = (int) (at % BlockId.BLOCK_BYTES);
        int length = (int) Math.min(BlockId.BLOCK_BYTES - within, readEnd - at);
        BlockId id = from.block(slot, block);
        target.limit(target.position() + length);
        if (id == null) {
          zero(target);
        } else {
          reader.read(context, scope, id, within, target);
        }
        at += length;
      }
      target.limit(end);
    }
    zero(target);
  }

  /** Reads a version's file of one block, unless somebody would have to be asked for it. */
  boolean readBaseAtHand(int slot, ByteBuffer target) throws FsException {
    listener.reading(base, slot, 0, 0);
    BlockId id = base.block(slot, 0);
    return id != null && reader.readAtHand(id, 0, target);
  }

  /**
   * Reads one page as it was when its source was looked at.
   *
   * @return false if that is not where it is any more
   */
  boolean fetch(RequestContext context, long ino, long page, PageSource from, ByteBuffer target)
      throws FsException {
    switch (from.kind()) {
      case OWN -> {
        return pageLog.readUnlessMoved(from.slot(), target);
      }
      case ZERO -> zero(target);
      case REMOTE -> {
        int within = (int) (page % BLOCK_PAGES) * PAGE_BYTES;
        readRemote(context, from.block(), within, target);
      }
      case BASE ->
          readInherited(
              context, ino, from.baseVersion(), from.limitBytes(), page * PAGE_BYTES, target);
    }
    return true;
  }

  static void zero(ByteBuffer target) {
    while (target.remaining() >= Long.BYTES) {
      target.putLong(0);
    }
    while (target.hasRemaining()) {
      target.put((byte) 0);
    }
  }
}
