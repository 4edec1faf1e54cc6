package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.tree.RepositoryTree;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One reader going forward through a version, and how far ahead of it blocks were asked for.
 *
 * <p>Positions are bytes on an axis on which the files follow each other as the stream expects
 * them; {@code readBytes ≤ askedBytes} but where the reader has overtaken. Not safe for concurrent
 * use.
 */
final class ReadStream {
  private static final int WINDOW_BYTES_MIN = 512 << 10;

  /** Most files expected; bounds the heap where files are tiny. */
  private static final int FILES_AHEAD_MAX = 2048;

  /** Most names looked at for one read. */
  private static final int STEPS_MAX = 2048;

  /** Blocks by which requests for one file may overtake each other in the kernel's readahead. */
  private static final int DISORDER_BLOCKS = 16;

  private final RepositoryTree tree;
  private final int windowBytesMax;

  /**
   * Where an expected file stands.
   *
   * @param startBytes where its first byte lies
   * @param number how many files the stream expected before it
   */
  private record Place(long startBytes, int number) {}

  /** Slot → place, for the files asked for and not long read. */
  private final Map<Integer, Place> places =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Place> eldest) {
          return size() > 2 * FILES_AHEAD_MAX;
        }
      };

  // Where the reader is.
  private int slot;
  private int lastBlock;
  private long readBytes;
  private int readFiles;

  /** Bytes read in order since the stream began; 0 while it reads at random. */
  private long orderedBytes;

  // What was asked for.
  private boolean acrossFiles;
  private PathCursor cursor;
  private int nextBlock;
  private long askedBytes;
  private int askedFiles;
  private List<BlockHint> unheard = List.of();

  ReadStream(RepositoryTree tree, int windowBytesMax) {
    this.tree = tree;
    this.windowBytesMax = windowBytesMax;
  }

  RepositoryTree tree() {
    return tree;
  }

  /** The file that was read last. */
  int slot() {
    return slot;
  }

  boolean expects(int file) {
    return places.containsKey(file);
  }

  void goAcrossFiles() {
    acrossFiles = true;
  }

  /** The reader is in a file that was not expected: all that is ahead is counted from there. */
  void begin(int file, int firstBlock, int last) {
    places.clear();
    askedBytes = 0;
    askedFiles = 0;
    readBytes = 0;
    readFiles = 0;
    unheard = List.of();
    // A first read that is not at the file's start is taken for a random one.
    if (firstBlock > 0 && !acrossFiles) {
      orderedBytes = 0;
    }
    slot = file;
    places.put(file, new Place(-bytesOf(file, 0, last), 0));
    cursor = new PathCursor(tree, file);
    nextBlock = last + 1;
    lastBlock = last;
    if (firstBlock == 0) {
      orderedBytes += bytesOf(file, firstBlock, last);
    }
  }

  /** The reader is in an expected file. */
  void read(int file, int firstBlock, int last) {
    if (file == slot
        && (firstBlock > lastBlock + DISORDER_BLOCKS || firstBlock < lastBlock - DISORDER_BLOCKS)) {
      // It reads at random, or has begun again: expect nothing until it goes forward.
      acrossFiles = false;
      orderedBytes = 0;
      begin(file, firstBlock, last);
      return;
    }
    if (file != slot) {
      slot = file;
      lastBlock = last;
    }
    lastBlock = Math.max(lastBlock, last);
    orderedBytes += bytesOf(file, firstBlock, last);
    Place place = places.get(file);
    readBytes = Math.max(readBytes, place.startBytes() + bytesOf(file, 0, last));
    readFiles = Math.max(readFiles, place.number());
    if (file == cursor.slot()) {
      nextBlock = Math.max(nextBlock, last + 1);
    }
  }

  /** Asks for what the window has room for, once a quarter of it is free. */
  void extend(Prefetcher prefetcher, ReadScope scope) {
    if (orderedBytes == 0) {
      return;
    }
    if (!unheard.isEmpty() && !ask(prefetcher, scope, unheard)) {
      return;
    }
    long windowBytes = Math.min(windowBytesMax, Math.max(WINDOW_BYTES_MIN, 2 * orderedBytes));
    if (askedBytes - readBytes > windowBytes - windowBytes / 4) {
      return;
    }
    askedBytes = Math.max(askedBytes, readBytes);
    List<BlockHint> hints = new ArrayList<>();
    for (int steps = 0; steps < STEPS_MAX && askedBytes < readBytes + windowBytes; steps++) {
      int file = cursor.slot();
      if (tree.type(file) == FileType.REGULAR && nextBlock < tree.blockCount(file)) {
        BlockId id = tree.block(file, nextBlock);
        int rawBytes = ReadAhead.blockBytes(tree.attributes(file).sizeBytes(), nextBlock);
        if (id != null) {
          hints.add(new BlockHint(id, rawBytes));
        }
        askedBytes += rawBytes;
        nextBlock++;
      } else if (!acrossFiles || askedFiles - readFiles >= FILES_AHEAD_MAX || !cursor.advance()) {
        break;
      } else {
        nextBlock = 0;
        if (tree.type(cursor.slot()) == FileType.REGULAR && !places.containsKey(cursor.slot())) {
          places.put(cursor.slot(), new Place(askedBytes, ++askedFiles));
        }
      }
    }
    ask(prefetcher, scope, hints);
  }

  private boolean ask(Prefetcher prefetcher, ReadScope scope, List<BlockHint> hints) {
    int heard = hints.isEmpty() ? 0 : prefetcher.prefetch(scope, hints);
    unheard = List.copyOf(hints.subList(heard, hints.size()));
    return unheard.isEmpty();
  }

  private long bytesOf(int file, int firstBlock, int last) {
    long sizeBytes = tree.attributes(file).sizeBytes();
    return Math.min(sizeBytes, (long) (last + 1) * BlockId.BLOCK_BYTES)
        - Math.min(sizeBytes, (long) firstBlock * BlockId.BLOCK_BYTES);
  }
}
