package io.mapfs.core.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * A tree file's pages, each compared with its hash when it is first needed.
 *
 * <p>Hashing reads through mappings of its own, in windows of 1 GiB: a channel would be closed by
 * an interrupt of any reader.
 */
final class TreePages {
  private static final int WINDOW_SHIFT = 30;

  private final Path file;
  private final long endBytes;
  private final ByteBuffer[] windows;
  private final byte[] hashes;

  /** 1 where verified. A stale 0 that a thread sees costs a second look, no more. */
  private final byte[] verified;

  private static final ThreadLocal<MessageDigest> DIGEST =
      ThreadLocal.withInitial(TreePages::newDigest);

  TreePages(Path file, FileChannel channel, long endBytes, byte[] hashes) throws IOException {
    this.file = file;
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

  static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
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

  void verify(int page) {
    long start = (long) page << TreeFormat.PAGE_SHIFT;
    int length = (int) Math.min(TreeFormat.PAGE_BYTES, endBytes - start);
    ByteBuffer content =
        windows[(int) (start >>> WINDOW_SHIFT)].slice(
            (int) (start & ((1L << WINDOW_SHIFT) - 1)), length);
    MessageDigest digest = DIGEST.get();
    digest.reset();
    digest.update(content);
    byte[] hash = digest.digest();
    int at = page * TreeFormat.HASH_BYTES;
    if (!Arrays.equals(hash, 0, hash.length, hashes, at, at + TreeFormat.HASH_BYTES)) {
      throw new CorruptTreeException(
          file, start, "the page of " + length + " bytes there does not have its hash");
    }
    verified[page] = 1;
  }
}
