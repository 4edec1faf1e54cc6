package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import io.mapfs.core.wire.Protocol;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** A client without an appliance: a test says what each request gets, at once. */
public abstract class StubClient implements ApplianceClient {
  /** The answer, or what the appliance refuses with. */
  protected abstract Message answer(Message request) throws ApplianceException;

  @Override
  public final <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority) {
    try {
      return CompletableFuture.completedFuture(reply.cast(answer(request)));
    } catch (ApplianceException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  @Override
  public final <T extends Message> CompletableFuture<T> request(
      Message request, Class<T> reply, Priority priority, Duration timeout) {
    return request(request, reply, priority);
  }

  @Override
  public final Message.Welcome welcome() {
    return new Message.Welcome(
        1, Protocol.FEATURES, "0123456789abcdef0123456789abcdef", 1, List.of(), "test");
  }

  @Override
  public final boolean isConnected() {
    return true;
  }

  @Override
  public JsonObject call(String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException {
    throw new UnsupportedOperationException(method);
  }

  @Override
  public final void onRequest(PushHandler handler) {}

  @Override
  public final void onDisconnect(Consumer<ApplianceException> listener) {}

  @Override
  public final void close() {}
}
