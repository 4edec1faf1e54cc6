package io.mapfs.client;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Carries out what the appliance asks of the client, on a few threads of its own. */
final class PushRequests {
  private static final int MOST_THREADS = 4;
  private static final int MOST_WAITING = 64;

  private volatile PushHandler handler;

  /** Made with the first request; protected by this. */
  private ThreadPoolExecutor executor;

  void handler(PushHandler newHandler) {
    handler = newHandler;
  }

  /** Answers later, through {@code answer}, which is called once. */
  void accept(Message request, Consumer<Message> answer) {
    PushHandler current = handler;
    if (current == null) {
      answer.accept(
          new Message.Failure(FailureCode.UNAVAILABLE, "this client answers no requests"));
      return;
    }
    try {
      executor().execute(() -> run(current, request, answer));
    } catch (RejectedExecutionException e) {
      answer.accept(
          new Message.Failure(FailureCode.UNAVAILABLE, "too many requests to this client"));
    }
  }

  private static void run(PushHandler handler, Message request, Consumer<Message> answer) {
    CompletableFuture<? extends Message> result;
    try {
      result = handler.handle(request);
    } catch (RuntimeException e) {
      result = CompletableFuture.failedFuture(e);
    }
    var unused =
        result.whenComplete(
            (message, failure) -> answer.accept(failure == null ? message : failureOf(failure)));
  }

  private static Message failureOf(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof ApplianceException refusal
        ? new Message.Failure(refusal.code(), refusal.getMessage())
        : new Message.Failure(FailureCode.INTERNAL, "the node failed: " + cause);
  }

  private synchronized ThreadPoolExecutor executor() {
    if (executor == null) {
      executor =
          new ThreadPoolExecutor(
              MOST_THREADS,
              MOST_THREADS,
              10,
              TimeUnit.SECONDS,
              new LinkedBlockingQueue<>(MOST_WAITING),
              task -> Threads.daemon("mapfs-client-push", task));
      executor.allowCoreThreadTimeOut(true);
    }
    return executor;
  }

  synchronized void close() {
    if (executor != null) {
      executor.shutdown();
    }
  }
}
