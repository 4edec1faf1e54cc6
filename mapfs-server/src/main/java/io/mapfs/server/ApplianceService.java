package io.mapfs.server;

import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What the appliance does for its clients. Every method may block on the disk and is called from a
 * worker thread, never from a network thread; calls of one session may run beside each other, but
 * appends of one overlay come in the order in which they arrived.
 */
public interface ApplianceService {
  /** The identity made at init: 32 hexadecimal digits. */
  String clusterId();

  /**
   * A session has shaken hands.
   *
   * @throws ApplianceException DENIED if it does not prove who it says it is; then nothing is kept
   *     of it
   */
  void opened(Session session) throws ApplianceException;

  /** A session is gone: what it held (leases, imports, pins) is released. */
  void closed(Session session);

  /** A control request. {@code progress} may be called any number of times before return. */
  JsonObject call(
      Session session, String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException;

  Message.Blocks getBlocks(Session session, Message.GetBlocks request) throws ApplianceException;

  Message.Have haveBlocks(Session session, Message.HaveBlocks request) throws ApplianceException;

  /** Verifies and stores uploaded blocks. */
  void putBlocks(Session session, Message.PutBlocks request) throws ApplianceException;

  Message.TreeChunk getTree(Session session, Message.GetTree request) throws ApplianceException;

  void putTree(Session session, Message.PutTree request) throws ApplianceException;

  Message.OverlayOpened openOverlay(Session session, Message.OpenOverlay request)
      throws ApplianceException;

  /** The session becomes the one that holds the lease of that epoch. */
  Message.OverlayPosition resumeOverlay(Session session, Message.ResumeOverlay request)
      throws ApplianceException;

  Message.OverlayPosition getPosition(Session session, Message.GetPosition request)
      throws ApplianceException;

  Message.HeadRows getHead(Session session, Message.GetHead request) throws ApplianceException;

  /** Completes when the record is durable (group commit); fails with an ApplianceException. */
  CompletableFuture<Message.Appended> append(Session session, Message.Append request);

  /** How far records of an epoch were accepted. */
  Message.TailOpened openTail(Session session, Message.OpenTail request) throws ApplianceException;

  /** Keeps a record aside that came too late; durable on return. */
  Message.Appended appendTail(Session session, Message.AppendTail request)
      throws ApplianceException;

  void closeOverlay(Session session, Message.CloseOverlay request) throws ApplianceException;
}
