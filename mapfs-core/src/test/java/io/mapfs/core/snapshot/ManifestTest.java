package io.mapfs.core.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.RecordCodec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ManifestTest {
  private static final FileTime TIME = new FileTime(-3, 7);

  @TempDir Path directory;
  private final List<Change> changes = new ArrayList<>();
  private Path file;

  private static final ManifestHeader HEADER =
      new ManifestHeader(
          ManifestHeader.KIND,
          1,
          "c",
          "web01",
          "s3",
          "before <apt>",
          null,
          5,
          "debian",
          2,
          4,
          9,
          "00",
          "s2",
          77);

  @BeforeEach
  void write() throws IOException {
    TreeMap<Name, byte[]> xattrs = new TreeMap<>();
    xattrs.put(Name.of("user.x"), new byte[] {0, 1, -1});
    xattrs.put(Name.of("user.a b\"c"), new byte[0]);
    changes.add(
        new Change.PutInode(
            57,
            new InodeState(
                FileType.REGULAR,
                true,
                true,
                false,
                04755,
                -2,
                8,
                -1,
                3,
                12_345,
                TIME,
                TIME,
                TIME,
                TIME,
                null,
                2,
                4096,
                0)));
    changes.add(
        new Change.PutInode(
            58,
            new InodeState(
                FileType.SYMLINK,
                true,
                true,
                true,
                0777,
                0,
                0,
                1,
                0,
                4,
                TIME,
                TIME,
                TIME,
                TIME,
                new byte[] {'a', ' ', '"', (byte) 0xFF},
                0,
                0,
                57)));
    changes.add(
        new Change.PutInode(
            59,
            new InodeState(
                FileType.DIRECTORY,
                false,
                false,
                false,
                0,
                0,
                0,
                2,
                0,
                0,
                TIME,
                FileTime.EPOCH,
                TIME,
                FileTime.EPOCH,
                null,
                0,
                0,
                0)));
    changes.add(new Change.PutXattrs(57, xattrs));
    changes.add(new Change.PutXattrs(58, new TreeMap<>()));
    changes.add(new Change.PutBlock(57, 3, new BlockId(1, -2, 3, -4)));
    changes.add(new Change.PutBlock(57, 4, null));
    changes.add(
        new Change.PutDentry(
            1, Name.of(new byte[] {'x', '\\', '\n', (byte) 0xC3}), 57, FileType.REGULAR, 12));
    changes.add(new Change.PutWhiteout(1, Name.of("日本 語")));
    ByteArrayOutputStream target = new ByteArrayOutputStream();
    ManifestWriter writer = new ManifestWriter(target, HEADER);
    for (Change change : changes) {
      writer.entry(change, change instanceof Change.PutBlock ? null : "/etc/a b");
    }
    assertEquals(writer.finish(ManifestTest::sign), target.size());
    file = directory.resolve("s3.manifest");
    Files.write(file, target.toByteArray());
  }

  private static byte[] sign(byte[] hash) {
    byte[] signature = hash.clone();
    signature[0] ^= 1;
    return signature;
  }

  private static boolean verifies(byte[] hash, byte[] signature) {
    return Arrays.equals(sign(hash), signature);
  }

  @Test
  void readsBackEveryEntry() throws IOException {
    ManifestReader reader = ManifestReader.open(file, ManifestTest::verifies);
    assertEquals(HEADER, reader.header());
    assertEquals(changes.size(), reader.entries());
    List<Change> read = new ArrayList<>();
    reader.forEach(read::add);
    assertArrayEquals(encode(changes), encode(read));
    String text = Files.readString(file);
    assertTrue(text.contains("name 1 \"x\\\\\\x0a\\xc3\" 57 regular 12"), text);
    assertTrue(text.contains("whiteout 1 \"日本 語\""), text);
  }

  private static byte[] encode(List<Change> list) {
    ByteBuffer buffer = ByteBuffer.allocate(RecordCodec.encodedBytes(list));
    RecordCodec.encodeChanges(list, buffer);
    return buffer.array();
  }

  @Test
  void refusesEveryTruncationAndBitFlip() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    for (int at = 0; at < whole.length; at += 3) {
      Files.write(file, Arrays.copyOf(whole, at));
      refused();
      byte[] flipped = whole.clone();
      flipped[at] ^= (byte) (1 << (at % 7));
      Files.write(file, flipped);
      refused();
    }
    Files.write(
        file,
        (new String(whole, StandardCharsets.UTF_8) + "more\n").getBytes(StandardCharsets.UTF_8));
    refused();
  }

  private void refused() {
    IOException refused =
        assertThrows(
            ManifestFormatException.class, () -> ManifestReader.open(file, ManifestTest::verifies));
    assertFalse(refused.getMessage().contains("\n"), refused.getMessage());
  }

  @Test
  void refusesAnothersSignatureAndANewerFormat() throws IOException {
    assertThrows(
        ManifestFormatException.class, () -> ManifestReader.open(file, (hash, signature) -> false));
    Files.writeString(file, Files.readString(file).replace("\"format\":1", "\"format\":2"));
    IOException refused =
        assertThrows(
            ManifestFormatException.class, () -> ManifestReader.open(file, ManifestTest::verifies));
    assertTrue(refused.getMessage().contains("newer release"), refused.getMessage());
  }
}
