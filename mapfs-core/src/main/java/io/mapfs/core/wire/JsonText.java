package io.mapfs.core.wire;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** JSON objects as UTF-8 (RFC 8259, strictly). Nesting is bounded by the parser (255 levels). */
final class JsonText {
  private JsonText() {}

  static byte[] encode(JsonObject object) {
    return object.toString().getBytes(StandardCharsets.UTF_8);
  }

  static JsonObject decode(ByteBuffer text) throws MalformedMessageException {
    try {
      String json = StandardCharsets.UTF_8.newDecoder().decode(text).toString();
      JsonReader reader = new JsonReader(new StringReader(json));
      reader.setStrictness(Strictness.STRICT);
      JsonElement element = JsonParser.parseReader(reader);
      if (!element.isJsonObject() || reader.peek() != JsonToken.END_DOCUMENT) {
        throw new MalformedMessageException("a document is no JSON object");
      }
      return element.getAsJsonObject();
    } catch (MalformedMessageException e) {
      throw e;
    } catch (CharacterCodingException e) {
      throw new MalformedMessageException("a document is not UTF-8", e);
    } catch (JsonParseException | IOException | NumberFormatException e) {
      throw new MalformedMessageException("a document is not JSON", e);
    }
  }
}
