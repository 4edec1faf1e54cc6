package io.mapfs.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.seal.KeyWrap;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.seal.RecoveryKey;
import java.security.PublicKey;
import java.util.Base64;
import java.util.Map;

/** Parameters of the control methods that take the key of an encrypted overlay. */
public final class KeyParameters {
  private KeyParameters() {}

  /** For {@code key.get}: whose key. */
  public static JsonObject of(String node) {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("node", node);
    return parameters;
  }

  /** For {@code key.unlock}: the key itself. */
  public static JsonObject unlock(String node, OverlayKey key) {
    JsonObject parameters = of(node);
    parameters.addProperty("secret", base64(key.secret()));
    return parameters;
  }

  /**
   * For {@code key.put}: the key, wrapped for those who may have it.
   *
   * @param machines public keys by the ids of their credentials
   * @param recovery the recovery key in force
   */
  public static JsonObject put(
      KeyWrap wrap, OverlayKey key, Map<String, PublicKey> machines, PublicKey recovery) {
    JsonArray wraps = new JsonArray();
    machines.forEach((id, holder) -> wraps.add(wrapped("node", id, wrap.wrap(key, holder))));
    wraps.add(wrapped("recovery", RecoveryKey.id(recovery), wrap.wrap(key, recovery)));
    JsonObject parameters = of(wrap.node());
    parameters.addProperty("check", base64(key.check()));
    parameters.add("wraps", wraps);
    return parameters;
  }

  private static JsonObject wrapped(String holder, String id, byte[] bytes) {
    JsonObject wrapped = new JsonObject();
    wrapped.addProperty("holder", holder);
    wrapped.addProperty("id", id);
    wrapped.addProperty("wrapped", base64(bytes));
    return wrapped;
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
