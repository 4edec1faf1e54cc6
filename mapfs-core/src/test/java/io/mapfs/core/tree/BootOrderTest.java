package io.mapfs.core.tree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

final class BootOrderTest {
  private static final BootOrder ORDER =
      new BootOrder(List.of(new BootOrder.Run(7, 0, 3), new BootOrder.Run(1L << 46, 9, 1)));

  @Test
  void isReadAsItWasWritten() throws Exception {
    assertEquals(ORDER, BootOrder.decode(ORDER.encode()));
    assertEquals(List.of(), BootOrder.decode(new BootOrder(List.of()).encode()).runs());
  }

  @Test
  void everyFlippedBitAndEveryCutIsFound() {
    byte[] encoded = ORDER.encode();
    for (int bit = 0; bit < encoded.length * 8; bit++) {
      byte[] flipped = encoded.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThrows(IOException.class, () -> BootOrder.decode(flipped));
    }
    for (int length = 0; length < encoded.length; length++) {
      byte[] cut = Arrays.copyOf(encoded, length);
      assertThrows(IOException.class, () -> BootOrder.decode(cut));
    }
  }

  @Test
  void isBounded() {
    List<BootOrder.Run> most = Collections.nCopies(BootOrder.RUNS_MAX, new BootOrder.Run(1, 0, 1));
    assertTrue(new BootOrder(most).encode().length <= BootOrder.ENCODED_BYTES_MAX);
    List<BootOrder.Run> tooMany =
        Collections.nCopies(BootOrder.RUNS_MAX + 1, new BootOrder.Run(1, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new BootOrder(tooMany));
  }
}
