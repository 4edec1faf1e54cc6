package io.mapfs.core.tree;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;

/** Writes a file from its beginning and hashes it page by page. */
final class PagedOutput {
  private final FileChannel channel;
  private final MessageDigest digest;
  private final ByteBuffer page = ByteBuffer.allocate(TreeFormat.PAGE_BYTES);
  private final ByteArena hashes = new ByteArena();
  private long written;

  PagedOutput(FileChannel channel, MessageDigest digest) {
    this.channel = channel;
    this.digest = digest;
  }

  long position() {
    return written + page.position();
  }

  void write(byte[] source, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      int part = Math.min(length - done, page.remaining());
      page.put(source, offset + done, part);
      done += part;
      if (!page.hasRemaining()) {
        endPage();
      }
    }
  }

  /** Pads with zeros to a multiple of 8. */
  void align() throws IOException {
    byte[] zeros = new byte[8];
    write(zeros, 0, (int) (TreeFormat.alignedTo8(position()) - position()));
  }

  /** Ends the last page; returns all pages' hashes. */
  byte[] finish() throws IOException {
    if (page.position() > 0) {
      endPage();
    }
    byte[] list = new byte[Math.toIntExact(hashes.size())];
    hashes.get(0, list, 0, list.length);
    return list;
  }

  private void endPage() throws IOException {
    page.flip();
    digest.reset();
    digest.update(page.array(), 0, page.limit());
    hashes.append(digest.digest(), 0, TreeFormat.HASH_BYTES);
    written += page.limit();
    while (page.hasRemaining()) {
      channel.write(page);
    }
    page.clear();
  }
}
