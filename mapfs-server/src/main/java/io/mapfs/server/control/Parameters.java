package io.mapfs.server.control;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.util.Base64;

/** A control method's parameters, each checked when it is asked for. */
final class Parameters {
  private static final int MOST_TEXT = 4096;

  private final String method;
  private final JsonObject json;

  Parameters(String method, JsonObject json) {
    this.method = method;
    this.json = json;
  }

  /** As they came. */
  JsonObject json() {
    return json;
  }

  String method() {
    return method;
  }

  /** A text that must be there. A number counts as its text. */
  String text(String name) throws ApplianceException {
    String value = text(name, null);
    if (value == null || value.isEmpty()) {
      throw new ApplianceException(
          FailureCode.INVALID, method + " needs the parameter '" + name + "'");
    }
    return value;
  }

  String text(String name, String absent) throws ApplianceException {
    JsonPrimitive value = primitive(name);
    if (value == null) {
      return absent;
    }
    if (value.isBoolean() || value.getAsString().length() > MOST_TEXT) {
      throw wrong(name, "a text");
    }
    return value.getAsString();
  }

  /** Bytes in base64 that must be there. */
  byte[] bytes(String name, int most) throws ApplianceException {
    JsonPrimitive value = primitive(name);
    // Base64 makes four characters of three bytes.
    if (value != null && value.isString() && value.getAsString().length() <= most / 3 * 4 + 4) {
      try {
        return Base64.getDecoder().decode(value.getAsString());
      } catch (IllegalArgumentException e) {
        throw wrong(name, "base64");
      }
    }
    throw wrong(name, "at most " + most + " bytes in base64");
  }

  /** A number that is not negative. */
  long number(String name, long absent) throws ApplianceException {
    JsonPrimitive value = primitive(name);
    if (value == null) {
      return absent;
    }
    try {
      long number = value.getAsLong();
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw wrong(name, "a number");
    }
    throw wrong(name, "a number that is not negative");
  }

  boolean flag(String name, boolean absent) throws ApplianceException {
    JsonPrimitive value = primitive(name);
    if (value == null) {
      return absent;
    }
    if (!value.isBoolean()) {
      throw wrong(name, "true or false");
    }
    return value.getAsBoolean();
  }

  JsonObject object(String name) throws ApplianceException {
    JsonElement value = json.get(name);
    if (value == null || value.isJsonNull()) {
      return new JsonObject();
    }
    if (!value.isJsonObject()) {
      throw wrong(name, "an object");
    }
    return value.getAsJsonObject();
  }

  private JsonPrimitive primitive(String name) throws ApplianceException {
    JsonElement value = json.get(name);
    if (value == null || value.isJsonNull()) {
      return null;
    }
    if (!value.isJsonPrimitive()) {
      throw wrong(name, "a single value");
    }
    return value.getAsJsonPrimitive();
  }

  private ApplianceException wrong(String name, String wanted) {
    return new ApplianceException(
        FailureCode.INVALID, method + ": parameter '" + name + "' is to be " + wanted);
  }
}
