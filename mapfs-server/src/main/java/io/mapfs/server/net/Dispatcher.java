package io.mapfs.server.net;

import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.FrameHeader;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import io.mapfs.server.ApplianceService;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries one session's requests to the service and its answers back. Requests come on the event
 * loop; the service runs on workers.
 */
final class Dispatcher {
  private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);

  /** Most control requests of one session at once. */
  private static final int MOST_CONTROLS = 16;

  private final ServerContext server;
  private final ApplianceService service;
  private final SessionHandler session;
  private final ReadGate gate;
  private final WorkQueue.Lane lane;
  private final SerialTasks appends;
  private final SerialTasks treeUploads;
  private final ConcurrentHashMap<Integer, InFlight> inFlight = new ConcurrentHashMap<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong requestBytes = new AtomicLong();

  /** Calls of the service under way, and one for the connection itself. */
  private final AtomicInteger users = new AtomicInteger(1);

  private final AtomicInteger controls = new AtomicInteger();

  private volatile boolean closed;
  private volatile Runnable whenUnused = () -> {};

  Dispatcher(ServerContext server, SessionHandler session, ReadGate gate) {
    this.server = server;
    this.gate = gate;
    this.service = server.service();
    this.session = session;
    this.lane = server.workers().lane();
    this.appends = new SerialTasks(lane, Priority.JOURNAL);
    this.treeUploads = new SerialTasks(lane, Priority.PREFETCH);
  }

  /** A request whose answer was not sent. */
  private static final class InFlight {
    final int id;
    final Priority priority;
    final int bytes;
    final String what;
    volatile boolean cancelled;

    /** Of the budget for payloads. */
    final int held;

    InFlight(FrameHeader header, int held, Message message) {
      this.held = held;
      this.id = header.requestId();
      this.priority = header.priority();
      this.bytes = header.lengthBytes();
      this.what = message.getClass().getSimpleName();
    }
  }

  /** Makes an answer, at once. */
  private interface Answer {
    Message get() throws ApplianceException;
  }

  /**
   * Queues a request, on the event loop.
   *
   * @param held bytes of the budget for payloads, given back when the request is finished
   * @return false if its number is another's that is in flight
   */
  boolean accept(FrameHeader header, int held, Message message) {
    InFlight request = new InFlight(header, held, message);
    if (inFlight.putIfAbsent(request.id, request) != null) {
      return false;
    }
    int flying = requests.incrementAndGet();
    long flyingBytes = requestBytes.addAndGet(request.bytes);
    ServerBounds.Requests bounds = server.config().bounds().requests();
    if (flying >= bounds.most() || flyingBytes >= bounds.mostBytes()) {
      gate.close(ReadGate.Reason.IN_FLIGHT);
      resumeReading(); // in case that all of them ended meanwhile
    }
    server.begun();
    if (server.isStopping()) {
      fail(request, FailureCode.UNAVAILABLE, "the appliance is shutting down; try again soon");
    } else {
      route(request, message);
    }
    return true;
  }

  private void route(InFlight request, Message message) {
    if (message instanceof Message.GetBlocks get) {
      onWorker(request, () -> service.getBlocks(session, get));
    } else if (message instanceof Message.HaveBlocks have) {
      onWorker(request, () -> service.haveBlocks(session, have));
    } else if (message instanceof Message.PutBlocks put) {
      onWorker(
          request,
          () -> {
            service.putBlocks(session, put);
            return new Message.Done();
          });
    } else if (message instanceof Message.GetTree get) {
      onWorker(request, () -> service.getTree(session, get));
    } else if (message instanceof Message.GetHead get) {
      onWorker(request, () -> service.getHead(session, get));
    } else if (message instanceof Message.GetPosition get) {
      onWorker(request, () -> service.getPosition(session, get));
    } else if (message instanceof Message.PutTree put) {
      treeUploads.submit(
          () ->
              run(
                  request,
                  () -> {
                    service.putTree(session, put);
                    return new Message.Done();
                  }));
    } else if (message instanceof Message.Append append) {
      appends.submit(() -> append(request, append));
    } else if (message instanceof Message.OpenTail open) {
      onControl(request, () -> service.openTail(session, open));
    } else if (message instanceof Message.AppendTail append) {
      appends.submit(() -> run(request, () -> service.appendTail(session, append)));
    } else if (message instanceof Message.Call call) {
      onControl(request, () -> new Message.CallResult(call(request, call)));
    } else if (message instanceof Message.OpenOverlay open) {
      onControl(request, () -> service.openOverlay(session, open));
    } else if (message instanceof Message.ResumeOverlay resume) {
      onControl(request, () -> service.resumeOverlay(session, resume));
    } else if (message instanceof Message.CloseOverlay close) {
      onControl(
          request,
          () -> {
            service.closeOverlay(session, close);
            return new Message.Done();
          });
    } else {
      fail(request, FailureCode.INVALID, "an appliance is not asked for " + request.what);
    }
  }

  private JsonObject call(InFlight request, Message.Call call) throws ApplianceException {
    return service.call(
        session,
        call.method(),
        call.parameters(),
        progress -> {
          if (!closed && !request.cancelled) {
            session.send(
                Frame.reply(request.id, request.priority, new Message.CallProgress(progress)));
          }
        });
  }

  private void onWorker(InFlight request, Answer answer) {
    lane.submit(request.priority, () -> run(request, answer));
  }

  private void onControl(InFlight request, Answer answer) {
    boolean accepted =
        controls.incrementAndGet() <= MOST_CONTROLS
            && session.control(
                () -> {
                  try {
                    run(request, answer);
                  } finally {
                    controls.decrementAndGet();
                  }
                });
    if (!accepted) {
      controls.decrementAndGet();
      fail(
          request,
          FailureCode.UNAVAILABLE,
          "the appliance has too many control requests at once; try again soon");
    }
  }

  // ---- on workers ----

  private void run(InFlight request, Answer answer) {
    if (!enter(request)) {
      return;
    }
    try {
      reply(request, answer.get());
    } catch (Throwable e) {
      fail(request, e);
    } finally {
      leave();
    }
  }

  private void append(InFlight request, Message.Append append) {
    if (!enter(request)) {
      return;
    }
    try {
      CompletableFuture<Message.Appended> result = service.append(session, append);
      var unused =
          result.whenComplete(
              (appended, failure) -> {
                if (failure == null) {
                  reply(request, appended);
                } else {
                  fail(request, failure);
                }
              });
    } catch (Throwable e) {
      fail(request, e);
    } finally {
      leave();
    }
  }

  /** Begins a call of the service; false, with the request finished, if nobody wants it. */
  private boolean enter(InFlight request) {
    users.incrementAndGet();
    if (closed || request.cancelled) {
      finish(request);
      leave();
      return false;
    }
    return true;
  }

  private void leave() {
    if (users.decrementAndGet() == 0) {
      whenUnused.run();
    }
  }

  // ---- answers ----

  private void reply(InFlight request, Message message) {
    Frame frame;
    try {
      frame = Frame.reply(request.id, request.priority, message);
    } catch (IllegalArgumentException e) {
      fail(
          request,
          FailureCode.INTERNAL,
          "the appliance's answer to "
              + request.what
              + " cannot be sent ("
              + e.getMessage()
              + "); ask for less");
      return;
    }
    send(request, frame);
  }

  private void fail(InFlight request, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof ApplianceException refusal) {
      fail(request, refusal.code(), refusal.getMessage());
    } else {
      LOG.error("{} of {} failed", request.what, session, cause);
      fail(
          request,
          FailureCode.INTERNAL,
          "the appliance failed at " + request.what + "; its log has the details");
    }
  }

  private void fail(InFlight request, FailureCode code, String message) {
    send(request, SessionHandler.failure(request.id, code, message == null ? "" : message));
  }

  private void send(InFlight request, Frame frame) {
    if (!closed && !request.cancelled) {
      session.send(frame);
    }
    finish(request);
  }

  private void finish(InFlight request) {
    if (!inFlight.remove(request.id, request)) {
      return;
    }
    server.ended();
    requests.decrementAndGet();
    requestBytes.addAndGet(-request.bytes);
    if (request.held > 0) {
      server.payloads().release(request.held);
    }
    resumeReading();
  }

  /** Reads again from half of the bounds on, whichever of them had stopped it. */
  private void resumeReading() {
    ServerBounds.Requests bounds = server.config().bounds().requests();
    if (requests.get() <= bounds.most() / 2 && requestBytes.get() <= bounds.mostBytes() / 2) {
      gate.open(ReadGate.Reason.IN_FLIGHT);
    }
  }

  // ---- the session's events ----

  void cancel(int requestId) {
    InFlight request = inFlight.get(requestId);
    if (request != null) {
      request.cancelled = true;
    }
  }

  /** Holds back what is not urgent while answers pile up unsent. */
  void holdBack(boolean hold) {
    lane.pause(hold);
  }

  /**
   * The connection is gone: what waits is dropped.
   *
   * @param unused run once when no call of the service is under way any more
   */
  void close(Runnable unused) {
    whenUnused = unused;
    closed = true;
    lane.close();
    leave();
  }
}
