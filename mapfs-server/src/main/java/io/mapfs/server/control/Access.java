package io.mapfs.server.control;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Names;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/** Who may ask for what. */
final class Access {
  /** What a node's own connection may call, for itself. */
  private static final Set<String> NODE_METHODS =
      Set.of(
          "boot.get",
          "boot.put",
          "key.get",
          "key.put",
          "key.unlock",
          "master.versions",
          "node.show",
          "snapshot.list",
          "version.show");

  /** What somebody without a certificate may call. */
  private static final Set<String> GUEST_METHODS = Set.of("node.join");

  private final ApplianceStore store;
  private final Overlays overlays;

  Access(ApplianceStore store, Overlays overlays) {
    this.store = store;
    this.overlays = overlays;
  }

  void requireMethod(Client client, String method, String node) throws ApplianceException {
    Set<String> allowed = client.caller().isGuest() ? GUEST_METHODS : NODE_METHODS;
    if (!client.isAdministrator()
        && (!allowed.contains(method) || (node != null && !node.equals(client.caller().name())))) {
      throw denied(client, method);
    }
  }

  /** Refuses who has yet to get a certificate. */
  void requireMember(Client client) throws ApplianceException {
    if (client.caller().isGuest()) {
      throw new ApplianceException(
          FailureCode.DENIED, "whoever has no credential may do nothing but join: mapfs node join");
    }
  }

  void requireAdministrator(Client client, String what) throws ApplianceException {
    if (!client.isAdministrator()) {
      throw denied(client, what);
    }
  }

  /** Refuses a node that is not the asker. */
  void requireNode(Client client, String node) throws ApplianceException {
    if (!client.isAdministrator() && !client.caller().isNode(node)) {
      throw denied(client, "node " + node);
    }
  }

  void requireMaster(Client client, String master) throws IOException, ApplianceException {
    if (!client.isAdministrator()
        && (client.caller().isGuest() || !master.equals(node(client.caller().name()).master()))) {
      throw denied(client, "master " + master);
    }
  }

  /** Refuses blocks that are not named by what they are read through. */
  void requireRead(Client client, ReadScope scope, Iterable<BlockId> ids)
      throws IOException, ApplianceException {
    requireScope(client, scope);
    NamedBlocks named = named(scope);
    for (BlockId id : ids) {
      if (!named.contains(id)) {
        throw new ApplianceException(
            FailureCode.NOT_FOUND, "block " + id + " is not named by " + name(scope));
      }
    }
  }

  void requireScope(Client client, ReadScope scope) throws IOException, ApplianceException {
    if (scope instanceof ReadScope.Version version) {
      requireMaster(client, version.master());
    } else if (scope instanceof ReadScope.Overlay overlay) {
      requireNode(client, overlay.node());
      overlays.get(overlay.node()).requireUnlockedBy(client.number());
    }
  }

  /** Blocks that a scope names, as they are sent. */
  List<StoredBlock> blocks(ReadScope scope, List<BlockId> ids)
      throws IOException, ApplianceException {
    return scope instanceof ReadScope.Overlay overlay
        ? overlays.get(overlay.node()).blocks(ids)
        : store.blocks().stored(ids);
  }

  /** The blocks that a scope gives a right to; looked up once for all that one request names. */
  interface NamedBlocks {
    boolean contains(BlockId id) throws IOException;
  }

  /** What is named by a version, or by an overlay or the version that it stands on. */
  NamedBlocks named(ReadScope scope) throws IOException, ApplianceException {
    if (scope instanceof ReadScope.Version version) {
      store.repository().version(version.master(), version.version());
      return id -> store.repository().names(version.master(), version.version(), id);
    }
    return namedByOverlay(((ReadScope.Overlay) scope).node());
  }

  NamedBlocks namedByOverlay(String nodeName) throws IOException, ApplianceException {
    Overlay overlay = overlays.get(nodeName);
    String master = node(nodeName).master();
    int version = overlay.standing().position().version();
    return id -> overlay.names(id) || store.repository().names(master, version, id);
  }

  NodeRecord node(String name) throws IOException, ApplianceException {
    NodeRecord node = store.control().get(ControlTable.NODES, name);
    if (node == null) {
      throw Names.notFound(
          "node",
          name,
          store.control().list(ControlTable.NODES, "").stream().map(NodeRecord::name).toList());
    }
    return node;
  }

  private static String name(ReadScope scope) {
    return scope instanceof ReadScope.Version version
        ? "version " + version.version() + " of " + version.master()
        : "the overlay of " + ((ReadScope.Overlay) scope).node();
  }

  private static ApplianceException denied(Client client, String what) {
    return new ApplianceException(FailureCode.DENIED, client.caller() + " has no right to " + what);
  }
}
