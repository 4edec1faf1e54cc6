package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.mirror.Mirror;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import java.io.IOException;
import java.util.Base64;

/** Control methods on late tails. */
final class TailMethods {
  /** Most bytes of a tail's journal in one answer. */
  private static final int READ_BYTES_MAX = 1 << 20;

  private final Tails tails;
  private final Mirror mirror;
  private final Access access;

  TailMethods(Tails tails, Mirror mirror, Access access) {
    this.tails = tails;
    this.mirror = mirror;
    this.access = access;
  }

  JsonObject list(Parameters in) throws IOException, ApplianceException {
    JsonArray list = new JsonArray();
    for (Tails.Tail tail : tails.list(access.node(in.text("node")))) {
      list.add(show(tail).build());
    }
    return new Json().with("tails", list).build();
  }

  private static Json show(Tails.Tail tail) {
    return new Json()
        .with("id", tail.record().id())
        .with("node", tail.record().node())
        .with("epoch", tail.record().epoch())
        .with("host", tail.record().host())
        .with("receivedMillis", tail.record().receivedMillis())
        .with("firstSequence", tail.record().firstSequence())
        .with("lastSequence", tail.lastSequence())
        .with("bytes", tail.bytes());
  }

  JsonObject show(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    Tails.Tail tail = tails.find(node, in.text("tail"));
    return SnapshotMethods.describe(show(tail), mirror.changes(node, tails, tail)).build();
  }

  JsonObject read(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    Tails.Tail tail = tails.find(node, in.text("tail"));
    byte[] data = tails.read(node, tail, in.number("offset", 0), READ_BYTES_MAX);
    return new Json()
        .with("bytes", tail.bytes())
        .with("data", Base64.getEncoder().encodeToString(data))
        .build();
  }

  JsonObject drop(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    tails.drop(node, tails.find(node, in.text("tail")));
    return new JsonObject();
  }
}
