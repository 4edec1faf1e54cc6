package io.mapfs.core.tree;

import io.mapfs.core.hash.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A tree file's pages, each compared with its hash when it is first needed.
 *
 * <p>Hashing reads through mappings of its own, in windows of 1 GiB: a channel would be closed by
 * an interrupt of any reader.
 */
final class TreePages {
  private static final Logger LOG = LoggerFactory.getLogger(TreePages.class);
  private static final int WINDOW_SHIFT = 30;

  private final Path file;
  private final long endBytes;
  private final ByteBuffer[] windows;
  private final byte[] hashes;
  private final TreeRepair repair;

  /** 1 where verified. A stale 0 that a thread sees costs a second look, no more. */
  private final byte[] verified;

  private static final ThreadLocal<MessageDigest> DIGEST =
      ThreadLocal.withInitial(Sha256::newDigest);

  TreePages(Path file, FileChannel channel, long endBytes, byte[] hashes, TreeRepair repair)
      throws IOException {
    this.file = file;
    this.repair = repair;
    this.endBytes = endBytes;
    this.hashes = hashes;
    this.verified = new byte[hashes.length / TreeFormat.HASH_BYTES];
    this.windows = new ByteBuffer[(int) ((endBytes - 1) >>> WINDOW_SHIFT) + 1];
    for (int i = 0; i < windows.length; i++) {
      long start = (long) i << WINDOW_SHIFT;
      long length = Math.min(1L << WINDOW_SHIFT, endBytes - start);
      windows[i] = channel.map(MapMode.READ_ONLY, start, length);
    }
  }

  Path file() {
    return file;
  }

  int count() {
    return verified.length;
  }

  /** Makes sure that the page of this file offset is what was written. */
  void require(long fileOffset) {
    int page = (int) (fileOffset >>> TreeFormat.PAGE_SHIFT);
    if (verified[page] == 0) {
      verify(page);
    }
  }

  /**
   * Compares a page with its hash; one that is damaged is fetched anew, if there is where from.
   *
   * @throws CorruptTreeException if it is damaged and stays so
   */
  void verify(int page) {
    if (!matches(page, content(page))) {
      repair(page);
    }
    verified[page] = 1;
  }

  private ByteBuffer content(int page) {
    long start = start(page);
    return windows[(int) (start >>> WINDOW_SHIFT)].slice(
        (int) (start & ((1L << WINDOW_SHIFT) - 1)), length(page));
  }

  private static long start(int page) {
    return (long) page << TreeFormat.PAGE_SHIFT;
  }

  private int length(int page) {
    return (int) Math.min(TreeFormat.PAGE_BYTES, endBytes - start(page));
  }

  private boolean matches(int page, ByteBuffer content) {
    MessageDigest digest = DIGEST.get();
    digest.reset();
    digest.update(content);
    byte[] hash = digest.digest();
    int at = page * TreeFormat.HASH_BYTES;
    return Arrays.equals(hash, 0, hash.length, hashes, at, at + TreeFormat.HASH_BYTES);
  }

  /** Writes the right bytes into the file, which the mappings show. */
  private synchronized void repair(int page) {
    if (matches(page, content(page))) {
      return;
    }
    String what = "the page of " + length(page) + " bytes there does not have its hash";
    try {
      ByteBuffer fetched = repair.fetch(start(page), length(page));
      if (fetched.remaining() != length(page) || !matches(page, fetched.duplicate())) {
        throw new CorruptTreeException(file, start(page), what + ", nor has the other copy's");
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        long at = start(page);
        while (fetched.hasRemaining()) {
          at += channel.write(fetched, at);
        }
      }
    } catch (IOException e) {
      throw new CorruptTreeException(file, start(page), what + " (" + e.getMessage() + ")");
    }
    if (!matches(page, content(page))) {
      throw new CorruptTreeException(file, start(page), what + ", though it was written anew");
    }
    LOG.warn("{} was damaged at offset {}: fetched anew", file, start(page));
  }
}
