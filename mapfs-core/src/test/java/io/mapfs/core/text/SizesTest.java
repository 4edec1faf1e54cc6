package io.mapfs.core.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SizesTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "1k, 1024",
    "1KB, 1000",
    "20GiB, 21474836480",
    "20 gib, 21474836480",
    "1.5MiB, 1572864",
    "2TB, 2000000000000",
    "7B, 7"
  })
  void reads(String text, long bytes) {
    assertEquals(bytes, Sizes.parseBytes(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GiB", "-1", "20 apples", "1..5G", "0x10", "20GiB!", "1e3"})
  void refuses(String text) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> Sizes.parseBytes(text));
    assertTrue(refused.getMessage().contains("512MiB"), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"9000000000G", "99999999999999999.5T"})
  void refusesWhatOverflows(String text) {
    assertThrows(IllegalArgumentException.class, () -> Sizes.parseBytes(text));
  }

  @Test
  void writes() {
    assertEquals("0 B", Sizes.format(0));
    assertEquals("1023 B", Sizes.format(1023));
    assertEquals("1.0 KiB", Sizes.format(1024));
    assertEquals("1.0 MiB", Sizes.format((1 << 20) - 1));
    assertEquals("20.0 GiB", Sizes.format(20L << 30));
    assertEquals("686 MiB", Sizes.format(686L << 20));
    assertEquals("8.0 EiB", Sizes.format(Long.MAX_VALUE));
  }
}
