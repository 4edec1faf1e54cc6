package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** A client of an appliance that lives in the test's memory and answers at once. */
final class FakeAppliance extends StubClient {
  final List<String> calls = new ArrayList<>();
  final List<Message> requests = Collections.synchronizedList(new ArrayList<>());
  final Set<BlockId> stored = new HashSet<>();
  final ByteArrayOutputStream uploadedTree = new ByteArrayOutputStream();
  private final Map<Integer, byte[]> trees = new HashMap<>();
  private final Map<Integer, String> hashes = new HashMap<>();

  /** Requests of this type fail from the given one on; -1: never. */
  int failFrom = -1;

  /** Run before each request is answered. */
  Runnable meanwhile = () -> {};

  void add(TreeIndex tree) throws IOException {
    trees.put(tree.version(), Files.readAllBytes(tree.file()));
    hashes.put(tree.version(), HexFormat.of().formatHex(tree.rootHash()));
  }

  byte[] tree(int version) {
    return trees.get(version);
  }

  @Override
  protected Message answer(Message request) throws ApplianceException {
    requests.add(request);
    meanwhile.run();
    if (failFrom >= 0 && requests.size() > failFrom) {
      throw new ApplianceException(FailureCode.UNAVAILABLE, "a planted failure");
    }
    if (request instanceof Message.GetTree get) {
      byte[] tree = trees.get(get.version());
      int from = (int) get.offsetBytes();
      int length = Math.min(get.lengthBytes(), tree.length - from);
      return new Message.TreeChunk(tree.length, ByteBuffer.wrap(tree, from, length).slice());
    }
    if (request instanceof Message.HaveBlocks have) {
      BitSet present = new BitSet();
      for (int i = 0; i < have.ids().size(); i++) {
        present.set(i, stored.contains(have.ids().get(i)));
      }
      return new Message.Have(present);
    }
    if (request instanceof Message.PutBlocks put) {
      put.blocks().forEach(block -> stored.add(block.id()));
    } else if (request instanceof Message.PutTree put) {
      assert put.offsetBytes() == uploadedTree.size() : "out of order";
      byte[] bytes = new byte[put.data().remaining()];
      put.data().get(bytes);
      uploadedTree.writeBytes(bytes);
    }
    return new Message.Done();
  }

  @Override
  public JsonObject call(String method, JsonObject parameters, Consumer<JsonObject> progress)
      throws ApplianceException {
    calls.add(method + " " + parameters);
    JsonObject result = new JsonObject();
    switch (method) {
      case "version.show" -> {
        int version = parameters.get("version").getAsInt();
        if (!trees.containsKey(version)) {
          throw new ApplianceException(FailureCode.NOT_FOUND, "no version " + version);
        }
        result.addProperty("treeBytes", trees.get(version).length);
        result.addProperty("treeHash", hashes.get(version));
      }
      case "import.begin" -> {
        result.addProperty("importId", "i1");
        result.addProperty("previousVersion", trees.size());
        result.addProperty("version", trees.size() + 1);
        result.addProperty("nextIno", 77);
      }
      case "import.commit" -> result.addProperty("version", trees.size() + 1);
      default -> {}
    }
    return result;
  }
}
