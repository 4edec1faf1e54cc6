package io.mapfs.server.net;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;

/** A request of the appliance's to a client. Its result is never completed on a network thread. */
final class PendingPush {
  private final CompletableFuture<Message> result = new CompletableFuture<>();
  private volatile Future<?> deadline;

  CompletableFuture<Message> result() {
    return result;
  }

  void deadline(Future<?> newDeadline) {
    deadline = newDeadline;
    if (result.isDone()) {
      newDeadline.cancel(false);
    }
  }

  void answer(Message message) {
    if (message instanceof Message.Failure failure) {
      fail(failure.code(), failure.message());
    } else {
      finish(() -> result.complete(message));
    }
  }

  void fail(FailureCode code, String message) {
    finish(() -> result.completeExceptionally(new ApplianceException(code, message)));
  }

  private void finish(Runnable completion) {
    Future<?> timer = deadline;
    if (timer != null) {
      timer.cancel(false);
    }
    ForkJoinPool.commonPool().execute(completion);
  }
}
