package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.core.journal.InodeState;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HeadPositionTest {
  private static final HeadPosition POSITION =
      new HeadPosition(7, new byte[32], 2, 3, 10, 8_192, 1L << 47 | 5, 9, null, 4);

  private static final HeadPosition FORWARDING =
      POSITION.withForward(new HeadPosition.Forward(5, 2, 3, 1, 4_096));

  @Test
  void survivesEncoding() throws Exception {
    for (HeadPosition position : List.of(POSITION, FORWARDING)) {
      HeadPosition decoded = HeadPosition.decode(position.encode());
      assertArrayEquals(position.encode(), decoded.encode());
      assertEquals(4, decoded.createdInodes());
      assertEquals(position.forward(), decoded.forward());
      assertEquals(8_192 + 4 * InodeState.QUOTA_BYTES, decoded.usedBytes());
    }
  }

  @Test
  void whatAnEarlierReleaseWroteSaysThatNobodyCounted() throws Exception {
    for (HeadPosition position : List.of(POSITION, FORWARDING)) {
      byte[] now = position.encode();
      HeadPosition decoded = HeadPosition.decode(Arrays.copyOf(now, now.length - Long.BYTES));
      assertEquals(HeadPosition.NOT_COUNTED, decoded.createdInodes());
      assertEquals(position.forward(), decoded.forward());
      assertArrayEquals(now, decoded.withCreatedInodes(4).encode());
    }
  }
}
