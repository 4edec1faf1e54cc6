package io.mapfs.core.block;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A pack's file. An interrupt closes a {@link FileChannel} under all its users; here the file is
 * opened again, the operation is repeated (all name their offset), and the interrupt is kept.
 */
final class PackFile implements Closeable {
  private final int number;
  private final Path path;
  private final Set<OpenOption> options;
  private FileChannel channel;
  private boolean closed;

  private PackFile(int number, Path path, Set<OpenOption> options) {
    this.number = number;
    this.path = path;
    this.options = options;
  }

  static PackFile openForReading(int number, Path path) throws IOException {
    return open(number, path, Set.of(StandardOpenOption.READ));
  }

  static PackFile openForAppending(int number, Path path) throws IOException {
    return open(number, path, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
  }

  /** Makes a file that must not be there. */
  static PackFile create(int number, Path path) throws IOException {
    FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE).close();
    return openForAppending(number, path);
  }

  private static PackFile open(int number, Path path, Set<OpenOption> options) throws IOException {
    PackFile file = new PackFile(number, path, options);
    file.channel = FileChannel.open(path, options);
    return file;
  }

  int number() {
    return number;
  }

  Path path() {
    return path;
  }

  /**
   * Reads from this offset until the buffer is full or the file ends; flips it.
   *
   * @throws ClosedChannelException if {@link #close} was called
   */
  ByteBuffer read(ByteBuffer target, long offset) throws IOException {
    int start = target.position();
    retrying(
        open -> {
          target.position(start);
          while (target.hasRemaining()
              && open.read(target, offset + target.position() - start) >= 0) {
            // Goes on until full or at the end.
          }
          return null;
        });
    return target.flip();
  }

  /** Writes all of the buffer. */
  void write(ByteBuffer source, long offset) throws IOException {
    int start = source.position();
    retrying(
        open -> {
          source.position(start);
          while (source.hasRemaining()) {
            open.write(source, offset + source.position() - start);
          }
          return null;
        });
  }

  void truncate(long length) throws IOException {
    retrying(open -> open.truncate(length));
  }

  /** Makes the content durable (fdatasync). */
  void force() throws IOException {
    retrying(
        open -> {
          open.force(false);
          return null;
        });
  }

  long size() throws IOException {
    return retrying(FileChannel::size);
  }

  @Override
  public synchronized void close() throws IOException {
    closed = true;
    channel.close();
  }

  private <T> T retrying(Operation<T> operation) throws IOException {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return operation.run(openChannel());
        } catch (ClosedByInterruptException e) {
          interrupted = true;
          // Cleared, or the channel opened next would be closed as well.
          Thread.interrupted();
        } catch (ClosedChannelException e) {
          // Another thread was interrupted in this channel, or the file is closed.
          requireOpen();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized FileChannel openChannel() throws IOException {
    requireOpen();
    if (!channel.isOpen()) {
      channel = FileChannel.open(path, options);
    }
    return channel;
  }

  private synchronized void requireOpen() throws ClosedChannelException {
    if (closed) {
      throw new ClosedChannelException();
    }
  }

  private interface Operation<T> {
    T run(FileChannel open) throws IOException;
  }
}
