package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.audit.AuditLog;
import java.io.IOException;
import java.util.Map;
import java.util.Set;

/** Writes down what administrators do, and who joins. */
final class Audited {
  /** What only looks. */
  private static final Set<String> READING =
      Set.of(
          "admin.list",
          "appliance.status",
          "audit.list",
          "boot.get",
          "key.get",
          "master.list",
          "master.versions",
          "node.list",
          "node.show",
          "recovery.show",
          "snapshot.diff",
          "snapshot.list",
          "snapshot.show",
          "status",
          "tail.list",
          "tail.show",
          "version.show",
          "version.verify");

  /** Parameters that stay out of the log. */
  private static final Set<String> LEFT_OUT =
      Set.of("secret", "request", "stats", "check", "publicKey");

  private static final int MOST_TEXT = 256;
  private static final int MOST_ENTRIES = 10_000;

  private final AuditLog log;

  Audited(AuditLog log) {
    this.log = log;
  }

  /** What is to be written down. */
  interface Act {
    JsonObject run() throws IOException, ApplianceException;
  }

  /** Carries it out, with an entry before and after. */
  JsonObject run(Client client, Parameters in, Act act) throws IOException, ApplianceException {
    if (READING.contains(in.method()) || client.caller().role() == Role.NODE) {
      return act.run();
    }
    if (client.caller().isGuest()) {
      // Only who had a token: nobody without one can fill the log.
      JsonObject joined = act.run();
      log.ended(began(client, in), "DONE");
      return joined;
    }
    long number = began(client, in);
    String result = FailureCode.INTERNAL.name();
    try {
      JsonObject done = act.run();
      result = "DONE";
      return done;
    } catch (ApplianceException e) {
      result = e.code() + ": " + shortened(String.valueOf(e.getMessage()));
      throw e;
    } finally {
      log.ended(number, result);
    }
  }

  private long began(Client client, Parameters in) throws IOException {
    JsonObject parameters = new JsonObject();
    for (Map.Entry<String, JsonElement> member : in.json().entrySet()) {
      if (!LEFT_OUT.contains(member.getKey()) && member.getValue().isJsonPrimitive()) {
        parameters.addProperty(
            shortened(member.getKey()), shortened(member.getValue().getAsString()));
      }
    }
    return log.began(client.caller().toString(), client.session().peer(), in.method(), parameters);
  }

  private static String shortened(String text) {
    return text.length() <= MOST_TEXT ? text : text.substring(0, MOST_TEXT) + "…";
  }

  /** {@code audit.list}. */
  JsonObject list(Parameters in) throws IOException, ApplianceException {
    long most = in.number("limit", 100);
    if (most < 1 || most > MOST_ENTRIES) {
      throw new ApplianceException(
          FailureCode.INVALID, "audit.list gives 1 to " + MOST_ENTRIES + " acts");
    }
    AuditLog.Page page = log.newest((int) most);
    JsonArray acts = new JsonArray();
    page.acts().forEach(acts::add);
    return new Json().with("acts", acts).with("faults", page.faults()).build();
  }
}
