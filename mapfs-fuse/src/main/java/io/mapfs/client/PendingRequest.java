package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** A request whose answer has not come. */
final class PendingRequest<T extends Message> extends CompletableFuture<T> {
  private final int id;
  private final String what;
  private final Class<T> reply;
  private final Duration timeout;

  /** How far parts of long answers can put the deadline off. */
  private final long latestNanos;

  private final Consumer<JsonObject> progress;
  private final AtomicBoolean sent = new AtomicBoolean();
  private volatile long deadlineNanos;

  /**
   * @param what the request's type, for messages
   * @param progress told of progress, which starts the timeout anew; {@code null} where none is
   *     expected
   */
  PendingRequest(
      int id, String what, Class<T> reply, Duration timeout, Consumer<JsonObject> progress) {
    this.id = id;
    this.what = what;
    this.reply = reply;
    this.timeout = timeout;
    this.progress = progress;
    long nowNanos = System.nanoTime();
    this.deadlineNanos = nowNanos + timeout.toNanos();
    this.latestNanos = nowNanos + ApplianceClient.TRANSFER_LIMIT.toNanos();
  }

  int id() {
    return id;
  }

  /** As of {@link System#nanoTime}. */
  long deadlineNanos() {
    return deadlineNanos;
  }

  /**
   * The deadline on a connection over which a part of a long answer came just now: as much later as
   * if the request had been sent then, since its own answer may be on its way or behind that one.
   */
  long deadlineNanos(long partNanos) {
    long put = partNanos + timeout.toNanos();
    long bounded = put - latestNanos < 0 ? put : latestNanos;
    return bounded - deadlineNanos > 0 ? bounded : deadlineNanos;
  }

  /** Called when its frame is about to be written; false if that is not wanted any more. */
  boolean markSent() {
    return !isDone() && sent.compareAndSet(false, true);
  }

  boolean wasSent() {
    return sent.get();
  }

  void progress(JsonObject document) {
    deadlineNanos = System.nanoTime() + timeout.toNanos();
    if (progress != null) {
      progress.accept(document);
    }
  }

  void answer(Message message) {
    if (message instanceof Message.Failure failure) {
      fail(failure.code(), failure.message());
    } else if (reply.isInstance(message)) {
      complete(reply.cast(message));
    } else {
      fail(
          FailureCode.INTERNAL,
          "the appliance answered " + what + " with " + message.getClass().getSimpleName());
    }
  }

  void expire(Endpoint endpoint) {
    fail(
        FailureCode.UNAVAILABLE,
        "the appliance at "
            + endpoint
            + " did not answer "
            + what
            + " within "
            + text(timeout)
            + "; is it overloaded, or the network slow?");
  }

  void fail(FailureCode code, String message) {
    completeExceptionally(new ApplianceException(code, message));
  }

  private static String text(Duration timeout) {
    long millis = timeout.toMillis();
    return millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
  }
}
