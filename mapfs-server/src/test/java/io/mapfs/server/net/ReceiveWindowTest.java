package io.mapfs.server.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class ReceiveWindowTest {
  @Test
  void aFarSenderMayFillAGigabitLink() {
    long micros = 20_000;
    assertTrue(ReceiveWindow.bytes(micros) >= micros * 1_000 / 8);
  }

  @Test
  void neitherTooLittleNorTooMuch() {
    assertEquals(128 * 1024, ReceiveWindow.bytes(0));
    assertEquals(4 << 20, ReceiveWindow.bytes(10_000_000));
  }
}
