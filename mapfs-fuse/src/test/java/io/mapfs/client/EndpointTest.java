package io.mapfs.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EndpointTest {
  @Test
  void readsNamesAddressesAndPorts() throws Exception {
    assertEquals(new Endpoint("store", 7400), Endpoint.parse("store"));
    assertEquals(new Endpoint("127.0.0.1", 81), Endpoint.parse("127.0.0.1:81"));
    assertEquals(new Endpoint("::1", 82), Endpoint.parse("[::1]:82"));
    assertEquals(new Endpoint("fe80::1", 7400), Endpoint.parse("[fe80::1]"));
    assertEquals("[::1]:82", Endpoint.parse("[::1]:82").toString());
    assertEquals("store:7400", Endpoint.parse("store").toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ":80", "a:", "a:0", "a:65536", "a:x", "a:-1", "::1", "[::1", "[]:5", "[a]b"})
  void refusesAnythingElse(String text) {
    ApplianceException e = assertThrows(ApplianceException.class, () -> Endpoint.parse(text));
    assertEquals(FailureCode.INVALID, e.code());
    assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
  }
}
