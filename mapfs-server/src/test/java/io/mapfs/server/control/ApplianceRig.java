package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import io.mapfs.server.Session;
import io.mapfs.server.store.ApplianceStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** An appliance on a store in a temporary directory, driven in-process. */
final class ApplianceRig implements AutoCloseable {
  final Path root;
  private final Path scratch;
  private final List<FakeSession> sessions = new ArrayList<>();
  Appliance appliance;

  ApplianceRig(Path directory) throws ApplianceException {
    this(directory, true);
  }

  private ApplianceRig(Path directory, boolean init) throws ApplianceException {
    this.root = directory.resolve("store");
    this.scratch = directory;
    if (init) {
      ApplianceStore.init(root);
    }
    open();
  }

  /** On a store that is there already. */
  static ApplianceRig onCopy(Path directory) throws ApplianceException {
    return new ApplianceRig(directory, false);
  }

  void open() throws ApplianceException {
    appliance = Appliance.open(root, Clock.systemUTC(), "test");
  }

  /** As after a restart: every connection is gone. */
  void reopen() throws ApplianceException, IOException {
    for (FakeSession session : sessions) {
      session.close();
      appliance.closed(session);
    }
    sessions.clear();
    appliance.close();
    open();
  }

  FakeSession administrator() throws ApplianceException {
    return session("");
  }

  FakeSession session(String node) throws ApplianceException {
    return opened(new FakeSession(node));
  }

  /** Over TLS; without a certificate for somebody who is to get one. */
  FakeSession sessionOverTls(String node, X509Certificate certificate) throws ApplianceException {
    return opened(FakeSession.overTls(node, certificate));
  }

  private FakeSession opened(FakeSession session) throws ApplianceException {
    sessions.add(session);
    appliance.opened(session);
    return session;
  }

  void disconnect(FakeSession session) {
    session.close();
    sessions.remove(session);
    appliance.closed(session);
  }

  JsonObject call(Session session, String method, Object... parameters) throws ApplianceException {
    JsonObject json = new JsonObject();
    for (int i = 0; i < parameters.length; i += 2) {
      String name = (String) parameters[i];
      Object value = parameters[i + 1];
      if (value instanceof Number number) {
        json.addProperty(name, number);
      } else if (value instanceof Boolean flag) {
        json.addProperty(name, flag);
      } else if (value instanceof JsonElement element) {
        json.add(name, element);
      } else {
        json.addProperty(name, (String) value);
      }
    }
    return appliance.call(session, method, json, progress -> {});
  }

  JsonObject admin(String method, Object... parameters) throws ApplianceException {
    FakeSession session = administrator();
    try {
      return call(session, method, parameters);
    } finally {
      disconnect(session);
    }
  }

  ApplianceException refused(String method, Object... parameters) {
    return assertThrows(ApplianceException.class, () -> admin(method, parameters));
  }

  /** Imports the trees' present state as the next version. */
  JsonObject importTree(TestTrees trees) throws Exception {
    FakeSession session = administrator();
    try {
      TreeIndex tree = trees.build(Files.createTempDirectory(scratch, "tree"));
      JsonObject begun = call(session, "import.begin", "master", tree.master());
      String id = begun.get("importId").getAsString();
      putBlocks(session, trees, tree);
      putTree(session, id, tree);
      return commit(session, id, tree);
    } finally {
      disconnect(session);
    }
  }

  void putBlocks(Session session, TestTrees trees, TreeIndex tree) throws ApplianceException {
    BlockCodec codec = new BlockCodec();
    ReadScope scope = new ReadScope.Version(tree.master(), 0);
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      for (int i = 0; tree.type(slot) == FileType.REGULAR && i < tree.blockCount(slot); i++) {
        BlockId id = tree.block(slot, i);
        if (id != null
            && !appliance
                .haveBlocks(session, new Message.HaveBlocks(scope, List.of(id)))
                .present()
                .get(0)) {
          StoredBlock block = codec.encode(ByteBuffer.wrap(trees.content(id)));
          appliance.putBlocks(session, new Message.PutBlocks(List.of(block)));
        }
      }
    }
  }

  void putTree(Session session, String id, TreeIndex tree) throws Exception {
    byte[] file = Files.readAllBytes(tree.file());
    int half = file.length / 2;
    appliance.putTree(session, new Message.PutTree(id, 0, ByteBuffer.wrap(file, 0, half).slice()));
    appliance.putTree(
        session,
        new Message.PutTree(id, half, ByteBuffer.wrap(file, half, file.length - half).slice()));
  }

  JsonObject commit(Session session, String id, TreeIndex tree) throws ApplianceException {
    return call(
        session,
        "import.commit",
        "importId",
        id,
        "treeBytes",
        tree.fileBytes(),
        "treeHash",
        HexFormat.of().formatHex(tree.rootHash()));
  }

  /** Takes a lease on a new connection of the node. */
  NodeWriter mount(String node) throws ApplianceException {
    FakeSession session = session(node);
    return new NodeWriter(this, session, open(session, node, false));
  }

  Message.OverlayOpened open(FakeSession session, String node, boolean force)
      throws ApplianceException {
    return appliance.openOverlay(session, new Message.OpenOverlay(node, "host-" + node, force));
  }

  @Override
  public void close() throws IOException {
    appliance.close();
  }
}
