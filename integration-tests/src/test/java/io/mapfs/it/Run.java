package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/** How a command ended and what it said. */
public record Run(String command, int exitCode, String out, String err) {
  /** Fails the test unless the command succeeded. */
  public Run ok() {
    assertEquals(0, exitCode, this::toString);
    return this;
  }

  /**
   * Fails the test unless the command refused, with this code and one line that has all the parts.
   */
  public Run refused(int code, String... parts) {
    assertEquals(code, exitCode, this::toString);
    assertEquals("", out, this::toString);
    assertEquals(1, err.lines().count(), this::toString);
    assertTrue(err.startsWith("mapfs: "), this::toString);
    for (String part : parts) {
      assertTrue(err.contains(part), () -> "no '" + part + "' in " + this);
    }
    return this;
  }

  public JsonObject json() {
    return JsonParser.parseString(out).getAsJsonObject();
  }

  @Override
  public String toString() {
    return "$ " + command + "\n" + out + err + "(exit " + exitCode + ")";
  }
}
