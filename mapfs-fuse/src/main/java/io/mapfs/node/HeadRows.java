package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.journal.Change;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;

/** The rows of an overlay's head as the appliance sends them, one answer ahead of its use. */
final class HeadRows implements Iterator<List<Change>> {
  private final ApplianceClient client;
  private final String node;
  private final long sequence;
  private CompletableFuture<Message.HeadRows> pending;

  /**
   * Begins to ask.
   *
   * @param sequence the record that the head must stand at: the lease is held, so it cannot move
   */
  HeadRows(ApplianceClient client, String node, long sequence) {
    this.client = client;
    this.node = node;
    this.sequence = sequence;
    this.pending = client.getHead(node, new byte[0]);
  }

  @Override
  public boolean hasNext() {
    return pending != null;
  }

  /**
   * The next rows.
   *
   * @throws UncheckedIOException if they cannot be had
   */
  @Override
  public List<Change> next() {
    if (pending == null) {
      throw new NoSuchElementException();
    }
    Message.HeadRows answer;
    try {
      answer = ApplianceClient.await(pending);
    } catch (ApplianceException e) {
      throw new UncheckedIOException(
          new IOException("the overlay of " + node + " cannot be fetched: " + e.getMessage(), e));
    }
    if (answer.sequence() != sequence) {
      throw new UncheckedIOException(
          new IOException(
              "the overlay of "
                  + node
                  + " moved from record "
                  + sequence
                  + " to "
                  + answer.sequence()
                  + " while it was fetched; mount again"));
    }
    pending = answer.nextCursor().length == 0 ? null : client.getHead(node, answer.nextCursor());
    return answer.rows();
  }
}
