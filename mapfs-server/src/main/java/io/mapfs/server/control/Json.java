package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Collection;

/** Builds a result. Absent values ({@code null}) are left out. */
final class Json {
  private final JsonObject object = new JsonObject();

  Json with(String name, String value) {
    if (value != null) {
      object.addProperty(name, value);
    }
    return this;
  }

  Json with(String name, long value) {
    object.addProperty(name, value);
    return this;
  }

  Json with(String name, boolean value) {
    object.addProperty(name, value);
    return this;
  }

  Json with(String name, JsonElement value) {
    if (value != null) {
      object.add(name, value);
    }
    return this;
  }

  Json with(String name, Collection<String> values) {
    JsonArray array = new JsonArray();
    values.forEach(array::add);
    object.add(name, array);
    return this;
  }

  JsonObject build() {
    return object;
  }
}
