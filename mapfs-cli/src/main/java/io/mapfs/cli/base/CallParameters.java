package io.mapfs.cli.base;

import com.google.gson.JsonObject;

/** Builds a call's parameters; a null value leaves the member out. */
public final class CallParameters {
  private final JsonObject json = new JsonObject();

  public CallParameters with(String member, String value) {
    if (value != null) {
      json.addProperty(member, value);
    }
    return this;
  }

  public CallParameters with(String member, Number value) {
    if (value != null) {
      json.addProperty(member, value);
    }
    return this;
  }

  public CallParameters with(String member, boolean value) {
    if (value) {
      json.addProperty(member, true);
    }
    return this;
  }

  public JsonObject json() {
    return json;
  }
}
