package io.mapfs.core.overlay;

import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;

/** SHA-256 of pages, one by one. One thread. */
final class PageHasher {
  private final MessageDigest digest = Sha256.newDigest();

  /** The hashes of the next {@code count} pages of the buffer, which advances. */
  byte[] hash(ByteBuffer pages, int count) {
    byte[] hashes = new byte[count * Change.WritePages.HASH_BYTES];
    int end = pages.limit();
    for (int page = 0; page < count; page++) {
      pages.limit(pages.position() + Change.PAGE_BYTES);
      digest.update(pages);
      try {
        digest.digest(hashes, page * Change.WritePages.HASH_BYTES, Change.WritePages.HASH_BYTES);
      } catch (DigestException e) {
        throw new IllegalStateException("a SHA-256 hash has 32 bytes", e);
      }
    }
    pages.limit(end);
    return hashes;
  }
}
