package io.mapfs.cli.base;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.text.Sizes;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads an answer's members for people: an absent one is the empty string, so that an older
 * appliance's answer can be shown too.
 */
public final class Fields {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

  private Fields() {}

  public static String text(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || !value.isJsonPrimitive() ? "" : value.getAsString();
  }

  public static long number(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value == null || !value.isJsonPrimitive() ? 0 : value.getAsLong();
  }

  public static boolean flag(JsonObject object, String member) {
    return Boolean.parseBoolean(text(object, member));
  }

  public static String size(JsonObject object, String member) {
    return !text(object, member).isEmpty() ? Sizes.format(number(object, member)) : "";
  }

  /** A local time; empty for none. */
  public static String time(JsonObject object, String member) {
    long millis = number(object, member);
    return millis == 0
        ? ""
        : TIME.format(Instant.ofEpochMilli(millis).atZone(ZoneId.systemDefault()));
  }

  public static JsonObject object(JsonObject object, String member) {
    JsonElement value = object.get(member);
    return value != null && value.isJsonObject() ? value.getAsJsonObject() : new JsonObject();
  }

  public static List<JsonObject> objects(JsonObject object, String member) {
    JsonElement value = object.get(member);
    List<JsonObject> objects = new ArrayList<>();
    if (value instanceof JsonArray array) {
      for (JsonElement element : array) {
        objects.add(element.getAsJsonObject());
      }
    }
    return objects;
  }

  public static List<String> texts(JsonObject object, String member) {
    JsonElement value = object.get(member);
    List<String> texts = new ArrayList<>();
    if (value instanceof JsonArray array) {
      for (JsonElement element : array) {
        texts.add(element.getAsString());
      }
    }
    return texts;
  }

  /** The opposite of {@link #texts}. */
  public static JsonArray array(List<String> texts) {
    JsonArray array = new JsonArray();
    texts.forEach(array::add);
    return array;
  }

  /** Prints one line for a value that is there. */
  public static void line(PrintWriter out, String label, String value) {
    if (!value.isEmpty()) {
      out.printf("%-14s %s%n", label, value);
    }
  }
}
