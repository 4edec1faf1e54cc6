package io.mapfs.core.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class NearestNameTest {
  @Test
  void findsTheNameWithFewestEdits() {
    assertEquals(Optional.of("web01"), NearestName.of("wbe01", List.of("web02", "web01", "db01")));
    assertEquals(Optional.of("debian"), NearestName.of("Debain", List.of("debian", "alpine")));
    assertEquals(Optional.of("stable"), NearestName.of("stabel", List.of("canary", "stable")));
  }

  @Test
  void tiesGoToTheFirstInOrder() {
    assertEquals(Optional.of("web01"), NearestName.of("web00", List.of("web02", "web01")));
  }

  @Test
  void saysNothingWhenNothingIsNear() {
    assertEquals(Optional.empty(), NearestName.of("postgres", List.of("web01", "debian")));
    assertEquals(Optional.empty(), NearestName.of("web01", List.of()));
    assertEquals("", NearestName.hint("web01", List.of()));
  }

  @Test
  void hintEndsAMessage() {
    assertEquals("; did you mean 'web01'?", NearestName.hint("web1", List.of("web01")));
  }
}
