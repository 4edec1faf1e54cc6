package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * A connection to the appliance, safe for use by many threads at once.
 *
 * <p>Every request has a deadline, which is put off for as long as parts of long answers come. Its
 * future fails with an {@link ApplianceException}: the appliance's refusal, or UNAVAILABLE when
 * there is no connection or no answer in time. Cancelling the future tells the appliance that the
 * answer is not wanted. Futures are completed on the client's network thread: what depends on them
 * must not block. Buffers handed to a request are borrowed until its future is done; buffers in an
 * answer belong to the caller.
 */
public interface ApplianceClient extends AutoCloseable {
  /**
   * Deadline of what is on its way, however slow the link is: a record or an answer that is given
   * up half-way has to be sent from its beginning. Whether the appliance lives, the connection
   * knows by itself.
   */
  Duration TRANSFER_LIMIT = Duration.ofMinutes(15);

  /**
   * Connects and shakes hands. The connection is not made anew when it breaks; see {@link
   * ReconnectingClient}.
   *
   * @throws ApplianceException UNAVAILABLE if the appliance cannot be reached, INCOMPATIBLE if it
   *     speaks no common version
   */
  static ApplianceClient connect(Endpoint endpoint, ClientConfig config) throws ApplianceException {
    return Connection.open(endpoint, config);
  }

  /** What the appliance said of itself in the last handshake. */
  Message.Welcome welcome();

  /** Whether requests can be sent now. */
  boolean isConnected();

  /**
   * Sends a request.
   *
   * @param reply the type of the answer; any other fails the future
   * @param timeout the deadline from now
   */
  <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority, Duration timeout);

  /** Sends a request with the default deadline. */
  <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority);

  /**
   * Carries out a control request and waits for its result.
   *
   * @param progress told how far it has come, on the network thread
   */
  JsonObject call(String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException;

  /** Answers the appliance's own requests from now on; without a handler they are refused. */
  void onRequest(PushHandler handler);

  /** Called once for each connection that breaks, and not for {@link #close}. */
  void onDisconnect(Consumer<ApplianceException> listener);

  /** Closes the connection; requests in flight fail. */
  @Override
  void close();

  default JsonObject call(String method, JsonObject parameters) throws ApplianceException {
    return call(method, parameters, progress -> {});
  }

  default CompletableFuture<Message.Done> ping() {
    return request(new Message.Ping(), Message.Done.class, Priority.JOURNAL);
  }

  /** At most {@link io.mapfs.core.wire.Limits#MAX_IDS} blocks, in the order asked. */
  default CompletableFuture<Message.Blocks> getBlocks(
      ReadScope scope, List<BlockId> ids, Priority priority) {
    return request(new Message.GetBlocks(scope, ids), Message.Blocks.class, priority);
  }

  default CompletableFuture<Message.Have> haveBlocks(
      ReadScope scope, List<BlockId> ids, Priority priority) {
    return request(new Message.HaveBlocks(scope, ids), Message.Have.class, priority);
  }

  default CompletableFuture<Message.Done> putBlocks(List<StoredBlock> blocks, Priority priority) {
    return request(new Message.PutBlocks(blocks), Message.Done.class, priority);
  }

  default CompletableFuture<Message.TreeChunk> getTree(
      String master, int version, long offsetBytes, int lengthBytes, Priority priority) {
    return request(
        new Message.GetTree(master, version, offsetBytes, lengthBytes),
        Message.TreeChunk.class,
        priority);
  }

  default CompletableFuture<Message.Done> putTree(
      String importId, long offsetBytes, ByteBuffer data) {
    return request(
        new Message.PutTree(importId, offsetBytes, data), Message.Done.class, Priority.PREFETCH);
  }

  default CompletableFuture<Message.OverlayOpened> openOverlay(
      String node, String host, boolean force) {
    return request(
        new Message.OpenOverlay(node, host, force), Message.OverlayOpened.class, Priority.JOURNAL);
  }

  /** Takes up the lease of that epoch on this connection, after an older one broke. */
  default CompletableFuture<Message.OverlayPosition> resumeOverlay(String node, long epoch) {
    return request(
        new Message.ResumeOverlay(node, epoch), Message.OverlayPosition.class, Priority.JOURNAL);
  }

  default CompletableFuture<Message.OverlayPosition> getPosition(String node) {
    return request(new Message.GetPosition(node), Message.OverlayPosition.class, Priority.JOURNAL);
  }

  /** The head's rows from a cursor on; an empty one begins. */
  default CompletableFuture<Message.HeadRows> getHead(String node, byte[] cursor) {
    return request(new Message.GetHead(node, cursor), Message.HeadRows.class, Priority.DEMAND);
  }

  /** Appends are sent and handled in the order of the calls. Never sent a second time. */
  default CompletableFuture<Message.Appended> append(JournalRecord record, List<ByteBuffer> pages) {
    return request(
        new Message.Append(record, pages),
        Message.Appended.class,
        Priority.JOURNAL,
        TRANSFER_LIMIT);
  }

  /** How far the appliance accepted records of that epoch. */
  default CompletableFuture<Message.TailOpened> openTail(String node, long epoch) {
    return request(new Message.OpenTail(node, epoch), Message.TailOpened.class, Priority.JOURNAL);
  }

  /** Hands over a record that came too late to be appended. Never sent a second time. */
  default CompletableFuture<Message.Appended> appendTail(
      JournalRecord record, List<ByteBuffer> pages) {
    return request(
        new Message.AppendTail(record, pages),
        Message.Appended.class,
        Priority.JOURNAL,
        TRANSFER_LIMIT);
  }

  default CompletableFuture<Message.Done> closeOverlay(String node, long epoch) {
    return request(new Message.CloseOverlay(node, epoch), Message.Done.class, Priority.JOURNAL);
  }

  /**
   * Waits for an answer.
   *
   * @throws ApplianceException the request's failure; UNAVAILABLE, with the request cancelled and
   *     the thread's interrupt status set, if the thread is interrupted
   */
  static <T> T await(CompletableFuture<T> answer) throws ApplianceException {
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new ApplianceException(
          FailureCode.UNAVAILABLE, "interrupted while waiting for the appliance", e);
    } catch (CancellationException e) {
      throw new ApplianceException(FailureCode.UNAVAILABLE, "the request was cancelled", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ApplianceException failure) {
        throw new ApplianceException(failure.code(), failure.getMessage(), failure);
      }
      throw new ApplianceException(
          FailureCode.INTERNAL, "the request failed: " + e.getCause(), e.getCause());
    }
  }
}
