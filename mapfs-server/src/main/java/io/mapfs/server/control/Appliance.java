package io.mapfs.server.control;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Role;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.Message;
import io.mapfs.server.ApplianceService;
import io.mapfs.server.Session;
import io.mapfs.server.mirror.Mirror;
import io.mapfs.server.overlay.HeadPosition;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.OverlayRows;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.Failures;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.BitSet;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The appliance on one store. Safe for concurrent use. */
public final class Appliance implements ApplianceService, Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Appliance.class);

  private final ApplianceStore store;
  private final Overlays overlays;
  private final Mirror mirror;
  private final Tails tails;
  private final Access access;
  private final Credentials credentials;
  private final ControlMethods methods;
  private final Map<Session, Client> clients = new ConcurrentHashMap<>();
  private final AtomicLong lastClient = new AtomicLong();

  private Appliance(ApplianceStore store, Overlays overlays, String software) {
    this.store = store;
    this.overlays = overlays;
    this.mirror = new Mirror(store, overlays);
    this.tails = new Tails(store, overlays);
    this.access = new Access(store, overlays);
    this.credentials = new Credentials(store);
    this.methods =
        new ControlMethods(
            store, overlays, mirror, tails, access, credentials, clients::values, software);
  }

  /**
   * Opens the appliance on a store that {@link ApplianceStore#init} made.
   *
   * @param software the release, for people
   */
  public static Appliance open(Path root, Clock clock, String software) throws ApplianceException {
    ApplianceStore store = ApplianceStore.open(root, clock, OverlayRows.TABLES);
    try {
      Appliance appliance = new Appliance(store, Overlays.open(store), software);
      appliance.tellUnrecorded();
      appliance.keepAdministrator();
      return appliance;
    } catch (ApplianceException | RuntimeException e) {
      try {
        store.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /**
   * Makes an empty store, with a credential for its first administrator.
   *
   * @return its cluster id
   */
  public static String init(Path root, Clock clock, String software)
      throws ApplianceException, IOException {
    String clusterId = ApplianceStore.init(root);
    open(root, clock, software).close();
    return clusterId;
  }

  private void tellUnrecorded() throws ApplianceException {
    guarded(
        "cannot look through the store",
        () -> {
          for (String file : new Unrecorded(store.repository(), overlays).list()) {
            LOG.warn("{} is there, though no control record names it; it stays", file);
          }
          return null;
        });
  }

  private void keepAdministrator() throws ApplianceException {
    guarded(
        "cannot keep an administrator's credential",
        () -> {
          credentials.keepAdministrator();
          return null;
        });
  }

  @Override
  public String clusterId() {
    return store.clusterId();
  }

  // ---- sessions ----

  @Override
  public void opened(Session session) throws ApplianceException {
    Caller caller = credentials.caller(session);
    clients.put(session, new Client(lastClient.incrementAndGet(), session, caller));
    try {
      // After it is known: whoever revokes it meanwhile finds the connection, or this the
      // revocation.
      guarded(
          "cannot look up the credential",
          () -> {
            credentials.requireValid(session, caller);
            return null;
          });
    } catch (ApplianceException e) {
      clients.remove(session);
      throw e;
    }
  }

  @Override
  public void closed(Session session) {
    Client client = clients.remove(session);
    if (client != null) {
      store.imports().release(session);
      for (Overlay overlay : overlays.all()) {
        overlay.disconnect(session, client.number());
      }
      if (client.caller().role() == Role.NODE) {
        tails.release(client.caller().name());
      }
    }
  }

  /** Who asks; somebody that has a credential, or needs none. */
  private Client client(Session session) throws ApplianceException {
    Client client = anyClient(session);
    access.requireMember(client);
    return client;
  }

  private Client anyClient(Session session) throws ApplianceException {
    Client client = clients.get(session);
    if (client == null) {
      throw new ApplianceException(FailureCode.UNAVAILABLE, "the connection is closed");
    }
    return client;
  }

  /** The appliance's own credential, for TLS. */
  public Credential credential() {
    return credentials.ofAppliance();
  }

  // ---- control ----

  @Override
  public JsonObject call(
      Session session, String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException {
    long begunNanos = System.nanoTime();
    JsonObject result =
        guarded(
            method,
            () -> methods.call(anyClient(session), new Parameters(method, parameters), progress));
    result.addProperty("elapsedMicros", (System.nanoTime() - begunNanos) / 1_000);
    return result;
  }

  // ---- blocks and trees ----

  @Override
  public Message.Blocks getBlocks(Session session, Message.GetBlocks request)
      throws ApplianceException {
    requireCount(request.ids());
    return guarded(
        "cannot read blocks",
        () -> {
          access.requireRead(client(session), request.scope(), request.ids());
          return new Message.Blocks(access.blocks(request.scope(), request.ids()));
        });
  }

  @Override
  public Message.Have haveBlocks(Session session, Message.HaveBlocks request)
      throws ApplianceException {
    requireCount(request.ids());
    return guarded(
        "cannot look up blocks",
        () -> {
          Client client = client(session);
          boolean all = readsAll(client, request.scope());
          if (!all) {
            access.requireScope(client, request.scope());
          }
          Access.NamedBlocks named = all ? id -> true : access.named(request.scope());
          BitSet present = new BitSet(request.ids().size());
          for (int i = 0; i < request.ids().size(); i++) {
            BlockId id = request.ids().get(i);
            boolean mayKnow = client.hasUploaded(id) || named.contains(id);
            present.set(i, mayKnow && store.blocks().contains(id));
          }
          return new Message.Have(present);
        });
  }

  /** An import asks for the version that it makes, whose number is 0 until then. */
  private boolean readsAll(Client client, ReadScope scope) throws ApplianceException {
    if (!(scope instanceof ReadScope.Version version) || version.version() != 0) {
      return false;
    }
    access.requireAdministrator(client, "the whole store");
    if (!store.imports().isImporting(client.session(), version.master())) {
      throw new ApplianceException(
          FailureCode.INVALID, "this connection has no import of " + version.master());
    }
    return true;
  }

  @Override
  public void putBlocks(Session session, Message.PutBlocks request) throws ApplianceException {
    guarded(
        "cannot store blocks",
        () -> {
          Client client = client(session);
          if (client.isAdministrator() && !store.imports().isImporting(session)) {
            throw new ApplianceException(
                FailureCode.INVALID, "blocks are uploaded within an import");
          }
          long bytes = 0;
          for (StoredBlock block : request.blocks()) {
            bytes += block.payload().remaining();
          }
          store.space().require(bytes);
          if (!client.isAdministrator()) {
            Overlay overlay = overlays.get(client.caller().name());
            requireNoBlocks(overlay);
            overlay.admitUploads(request.blocks());
          }
          for (StoredBlock block : request.blocks()) {
            store.blocks().put(block);
            if (!client.isAdministrator()) {
              client.uploaded(block.id());
            }
          }
          return null;
        });
  }

  @Override
  public Message.TreeChunk getTree(Session session, Message.GetTree request)
      throws ApplianceException {
    return guarded(
        "cannot read the tree",
        () -> {
          access.requireMaster(client(session), request.master());
          return store.repository().chunk(request, Limits.MAX_TREE_CHUNK_BYTES);
        });
  }

  @Override
  public void putTree(Session session, Message.PutTree request) throws ApplianceException {
    guarded(
        "cannot store the tree",
        () -> {
          access.requireAdministrator(client(session), "imports");
          store
              .imports()
              .putTree(session, request.importId(), request.offsetBytes(), request.data());
          return null;
        });
  }

  private static void requireCount(Collection<BlockId> ids) throws ApplianceException {
    if (ids.size() > Limits.MAX_IDS) {
      throw new ApplianceException(
          FailureCode.INVALID, "at most " + Limits.MAX_IDS + " blocks at a time");
    }
  }

  // ---- overlays ----

  @Override
  public Message.OverlayOpened openOverlay(Session session, Message.OpenOverlay request)
      throws ApplianceException {
    return guarded(
        "cannot open the overlay",
        () -> {
          Client client = client(session);
          access.requireNode(client, request.node());
          access.node(request.node());
          Overlay overlay = overlays.get(request.node());
          overlay.requireUnlockedBy(client.number());
          Effect.Grant granted =
              overlay
                  .lease()
                  .open(
                      session,
                      client.number(),
                      request.host(),
                      request.force(),
                      epoch -> mirror.applyPendingVersion(overlay, epoch));
          // Only now: whoever changes the quota from here on finds the lease, and tells it.
          NodeRecord node = access.node(request.node());
          HeadPosition position = overlay.lease().pinForMount(granted, node.quotaBytes());
          return new Message.OverlayOpened(
              granted.epoch(),
              granted.sequence(),
              granted.hash(),
              position.headEpoch(),
              node.master(),
              position.version(),
              node.quotaBytes(),
              node.cacheBytes(),
              position.nextIno(),
              position.nextCookie());
        });
  }

  @Override
  public Message.OverlayPosition resumeOverlay(Session session, Message.ResumeOverlay request)
      throws ApplianceException {
    return guarded(
        "cannot resume the overlay",
        () -> {
          Client client = client(session);
          Overlay overlay = overlayOf(client, request.node());
          overlay.requireUnlockedBy(client.number());
          overlay.lease().resume(session, client.number(), request.epoch());
          // It may have changed while there was no connection; nobody waits for the answer.
          CompletableFuture<Boolean> unused =
              overlay.lease().tellQuota(() -> access.node(request.node()).quotaBytes());
          return position(overlay.standing());
        });
  }

  @Override
  public Message.OverlayPosition getPosition(Session session, Message.GetPosition request)
      throws ApplianceException {
    return guarded(
        "cannot read the overlay",
        () -> {
          return position(overlayOf(client(session), request.node()).standing());
        });
  }

  private static Message.OverlayPosition position(Overlay.Standing standing) {
    return new Message.OverlayPosition(
        standing.epoch(), standing.sequence(), standing.hash(), standing.position().headEpoch());
  }

  @Override
  public Message.HeadRows getHead(Session session, Message.GetHead request)
      throws ApplianceException {
    return guarded(
        "cannot read the overlay",
        () -> {
          Client client = client(session);
          Overlay overlay = overlayOf(client, request.node());
          overlay.requireUnlockedBy(client.number());
          return overlay.pages().read(session, request.cursor());
        });
  }

  @Override
  public CompletableFuture<Message.Appended> append(Session session, Message.Append request) {
    try {
      return guarded(
          "cannot append",
          () -> {
            Client client = client(session);
            JournalRecord record = request.record();
            access.requireNode(client, record.node());
            store.space().require(0);
            Overlay overlay = overlays.get(record.node());
            overlay.requireUnlockedBy(client.number());
            requireBlocks(client, overlay, record);
            return overlay.append(client.number(), record, request.pages());
          });
    } catch (ApplianceException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** A record may name only blocks that its node may read, or uploaded; and that are here. */
  private void requireBlocks(Client client, Overlay overlay, JournalRecord record)
      throws IOException, ApplianceException {
    if (overlay.isEncrypted()) {
      requireNoBlocks(overlay, record);
      return;
    }
    Access.NamedBlocks named = access.namedByOverlay(record.node());
    for (Change change : record.changes()) {
      if (change instanceof Change.PutBlock put
          && put.id() != null
          && !((client.hasUploaded(put.id()) || named.contains(put.id()))
              && store.blocks().contains(put.id()))) {
        throw new ApplianceException(
            FailureCode.MISSING_BLOCK,
            record.node()
                + ": record "
                + record.sequence()
                + " names block "
                + put.id()
                + ", which is to be uploaded first");
      }
    }
  }

  private static void requireNoBlocks(Overlay overlay, JournalRecord record)
      throws ApplianceException {
    for (Change change : record.changes()) {
      if (change instanceof Change.PutBlock put && put.id() != null) {
        requireNoBlocks(overlay);
      }
    }
  }

  /** Nobody could tell what the locked journal of an encrypted overlay names. */
  private static void requireNoBlocks(Overlay overlay) throws ApplianceException {
    if (overlay.isEncrypted()) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "the overlay of " + overlay.node() + " is encrypted: its records carry pages, no blocks");
    }
  }

  /** The overlay of a node that exists and that this client may speak for. */
  private Overlay overlayOf(Client client, String node) throws IOException, ApplianceException {
    access.requireNode(client, node);
    access.node(node);
    return overlays.get(node);
  }

  @Override
  public Message.TailOpened openTail(Session session, Message.OpenTail request)
      throws ApplianceException {
    return guarded(
        "cannot look up the overlay's epochs",
        () -> {
          return new Message.TailOpened(
              overlayOf(client(session), request.node()).lease().lastAccepted(request.epoch()));
        });
  }

  @Override
  public Message.Appended appendTail(Session session, Message.AppendTail request)
      throws ApplianceException {
    return guarded(
        "cannot keep the late tail",
        () -> {
          JournalRecord record = request.record();
          Client client = client(session);
          access.requireNode(client, record.node());
          Overlay overlay = overlays.find(record.node());
          if (overlay != null && overlay.isEncrypted()) {
            overlay.requireUnlockedBy(client.number());
            requireNoBlocks(overlay, record);
          }
          tails.append(access.node(record.node()), record, request.pages());
          return new Message.Appended(record.sequence());
        });
  }

  @Override
  public void closeOverlay(Session session, Message.CloseOverlay request)
      throws ApplianceException {
    guarded(
        "cannot close the overlay",
        () -> {
          Client client = client(session);
          overlayOf(client, request.node()).lease().close(client.number(), request.epoch());
          return null;
        });
  }

  // ---- failures ----

  private interface Request<T> {
    T run() throws IOException, ApplianceException;
  }

  /** The one place where a disk's failure becomes an answer. */
  private static <T> T guarded(String what, Request<T> request) throws ApplianceException {
    try {
      return request.run();
    } catch (CorruptTreeException e) {
      throw new ApplianceException(FailureCode.CORRUPT, what + ": " + e.getMessage(), e);
    } catch (CorruptBlockException e) {
      throw new ApplianceException(FailureCode.CORRUPT, e.getMessage(), e);
    } catch (IOException e) {
      throw Failures.of(what, e);
    }
  }

  /** Folds what is there and closes the store. No request may run any more. */
  @Override
  public void close() throws IOException {
    try {
      tails.close();
      overlays.close();
    } finally {
      store.close();
    }
  }
}
