package io.mapfs.core.block;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.core.kv.MemoryStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Format version 1 as it was first written: the bytes in {@code pack-v1.hex} never change. */
final class PackGoldenTest {
  /** A zstd frame of 200 times "x", as one run, so that no compressor's choices matter. */
  private static final byte[] RUN_FRAME = HexFormat.of().parseHex("28b52ffd20c843060078");

  @TempDir Path directory;

  @Test
  void theFileIsWrittenAsItAlwaysWas() throws IOException {
    Path path = directory.resolve("00000007.pack");
    try (PackFile file = PackFile.create(7, path)) {
      file.write(PackHeader.encode(7), 0);
      ActivePack pack = new ActivePack(file, new ArrayList<>(), PackFormat.FILE_HEADER_BYTES);
      for (StoredBlock block : sample()) {
        pack.append(block, PackRecord.encode(block));
      }
      pack.seal();
    }
    assertEquals(
        HexFormat.of().formatHex(golden()), HexFormat.of().formatHex(Files.readAllBytes(path)));
  }

  @Test
  void theFileIsReadAsItAlwaysWas() throws IOException {
    Path packs = Files.createDirectories(directory.resolve("packs"));
    Files.write(packs.resolve("00000007.pack"), golden());
    MemoryStore index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    try (PackStore store = PackStore.open(directory, index)) {
      assertEquals(2, store.statistics().blocks());
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
      assertArrayEquals(
          "raw content".getBytes(UTF_8),
          BlockCodec.decodeVerified(store.get(sample().get(0).id()).orElseThrow()));
      assertArrayEquals(
          run(), BlockCodec.decodeVerified(store.get(sample().get(1).id()).orElseThrow()));
    }
  }

  private static List<StoredBlock> sample() {
    byte[] raw = "raw content".getBytes(UTF_8);
    return List.of(
        new StoredBlock(
            BlockHasher.id(raw, 0, raw.length),
            StoredBlock.CODEC_RAW,
            raw.length,
            ByteBuffer.wrap(raw)),
        new StoredBlock(
            BlockHasher.id(run(), 0, 200),
            StoredBlock.CODEC_ZSTD,
            200,
            ByteBuffer.wrap(RUN_FRAME)));
  }

  private static byte[] run() {
    byte[] run = new byte[200];
    Arrays.fill(run, (byte) 'x');
    return run;
  }

  private static byte[] golden() throws IOException {
    try (InputStream in = PackGoldenTest.class.getResourceAsStream("pack-v1.hex")) {
      String hex = new String(in.readAllBytes(), UTF_8).replaceAll("\\s", "");
      return HexFormat.of().parseHex(hex);
    }
  }
}
