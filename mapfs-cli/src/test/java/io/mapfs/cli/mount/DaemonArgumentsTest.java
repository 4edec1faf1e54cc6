package io.mapfs.cli.mount;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DaemonArgumentsTest {
  @Test
  void arriveAsTheyWereGiven() throws IOException {
    List<String> given = List.of("node-daemon", "", "a b\n\"c\"", "Mähne", "--flag=x");
    ByteArrayOutputStream pipe = new ByteArrayOutputStream();
    DaemonArguments.write(pipe, given);
    assertEquals(given, DaemonArguments.read(new ByteArrayInputStream(pipe.toByteArray())));
  }

  @Test
  void aStarterThatDiesHasGivenNoneOrWholeOnes() throws IOException {
    assertEquals(List.of(), DaemonArguments.read(new ByteArrayInputStream(new byte[0])));
    byte[] cut = "2\0node-daemon\0we".getBytes(StandardCharsets.UTF_8);
    assertEquals(List.of(), DaemonArguments.read(new ByteArrayInputStream(cut)));
  }
}
