package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.overlay.ReadListener;
import io.mapfs.core.tree.RepositoryTree;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Decides which blocks come next and has them fetched.
 *
 * <p>A stream is a reader that goes through a file in order or, once it has read two files that
 * follow each other closely in path order, through the tree ({@link PathCursor}). Ahead of each the
 * window is kept full; it grows with what the stream has read, so that a wrong guess costs at most
 * twice what was rightly read.
 *
 * <p>{@code lock} guards the streams; who finds it taken does without: the next read makes up for
 * it.
 */
public final class ReadAhead implements ReadListener {
  /** The default bound of a stream's window. */
  public static final int WINDOW_BYTES = 16 << 20;

  private static final int STREAMS_MAX = 16;

  /** A new file is taken for the next one of so many streams, used last. */
  private static final int STREAMS_COMPARED = 4;

  /** Files that may be passed over between two that are read "in order". */
  private static final int FILES_SKIPPED_MAX = 8;

  private static final int ENTRIES_SKIPPED_MAX = 64;

  private final Prefetcher prefetcher;
  private final int windowBytesMax;

  private final ReentrantLock lock = new ReentrantLock();

  /** Those used last first. Guarded by lock. */
  private final Deque<ReadStream> streams = new ArrayDeque<>();

  public ReadAhead(Prefetcher prefetcher, int windowBytesMax) {
    this.prefetcher = prefetcher;
    this.windowBytesMax = windowBytesMax;
  }

  @Override
  public void reading(RepositoryTree tree, int slot, int firstBlock, int lastBlock) {
    ReadScope scope = new ReadScope.Version(tree.master(), tree.version());
    if (lastBlock > firstBlock) {
      // Together, or the reader would fetch one after the other.
      prefetcher.prefetch(scope, range(tree, slot, firstBlock, lastBlock));
    }
    if (!lock.tryLock()) {
      return;
    }
    try {
      ReadStream stream = find(tree, slot);
      if (stream != null) {
        stream.read(slot, firstBlock, lastBlock);
      } else {
        stream = follow(tree, slot);
        if (stream == null) {
          stream = new ReadStream(tree, windowBytesMax);
          if (streams.size() == STREAMS_MAX) {
            streams.removeLast();
          }
          streams.addFirst(stream);
        }
        stream.begin(slot, firstBlock, lastBlock);
      }
      stream.extend(prefetcher, scope);
    } finally {
      lock.unlock();
    }
  }

  /** The blocks of a file from one to another (inclusive), but for holes. */
  static List<BlockHint> range(RepositoryTree tree, int slot, int first, int last) {
    long sizeBytes = tree.attributes(slot).sizeBytes();
    List<BlockHint> hints = new ArrayList<>(last - first + 1);
    for (int block = first; block <= last; block++) {
      BlockId id = tree.block(slot, block);
      if (id != null) {
        hints.add(new BlockHint(id, blockBytes(sizeBytes, block)));
      }
    }
    return hints;
  }

  /** The stream that is in this file or expects it; it becomes the first. */
  private ReadStream find(RepositoryTree tree, int slot) {
    for (Iterator<ReadStream> each = streams.iterator(); each.hasNext(); ) {
      ReadStream stream = each.next();
      if (stream.tree() == tree && stream.expects(slot)) {
        if (stream != streams.peekFirst()) {
          each.remove();
          streams.addFirst(stream);
        }
        return stream;
      }
    }
    return null;
  }

  /** The stream whose last file this one follows in path order, turned to go across files. */
  private ReadStream follow(RepositoryTree tree, int slot) {
    int compared = 0;
    for (ReadStream stream : streams) {
      if (stream.tree() == tree && follows(tree, stream.slot(), slot)) {
        stream.goAcrossFiles();
        return stream;
      }
      if (++compared == STREAMS_COMPARED) {
        break;
      }
    }
    return null;
  }

  private static boolean follows(RepositoryTree tree, int slot, int next) {
    PathCursor cursor = new PathCursor(tree, slot);
    int files = 0;
    for (int entries = 0; entries < ENTRIES_SKIPPED_MAX && cursor.advance(); entries++) {
      if (cursor.slot() == next) {
        return true;
      }
      if (tree.type(cursor.slot()) == FileType.REGULAR && ++files > FILES_SKIPPED_MAX) {
        return false;
      }
    }
    return false;
  }

  /** Content bytes of a block of a file of so many bytes. */
  static int blockBytes(long sizeBytes, int block) {
    return (int) Math.min(BlockId.BLOCK_BYTES, sizeBytes - (long) block * BlockId.BLOCK_BYTES);
  }
}
