package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** Makes tars as no tar program would. */
final class TarMaker {
  private final ByteArrayOutputStream tar = new ByteArrayOutputStream();
  private final ByteArrayOutputStream pax = new ByteArrayOutputStream();

  /** Adds a record to the next entry's extended header. */
  TarMaker pax(String key, String value) {
    String rest = " " + key + "=" + value + "\n";
    int length = rest.length() + 1;
    while (length != rest.length() + Integer.toString(length).length()) {
      length++;
    }
    pax.writeBytes((length + rest).getBytes(ISO_8859_1));
    return this;
  }

  TarMaker file(String path, String content) {
    return file(path, content.getBytes(ISO_8859_1));
  }

  TarMaker file(String path, byte[] content) {
    flushPax();
    return put('0', path, "", 0644, content);
  }

  TarMaker hardLink(String path, String target) {
    return entry('1', path, target, 0644, "");
  }

  TarMaker entry(char type, String path, String link, int permissions, String content) {
    flushPax();
    return put(type, path, link, permissions, content.getBytes(ISO_8859_1));
  }

  private void flushPax() {
    if (pax.size() > 0) {
      byte[] records = pax.toByteArray();
      pax.reset();
      put('x', "pax", "", 0644, records);
    }
  }

  private TarMaker put(char type, String path, String link, int permissions, byte[] content) {
    byte[] header = new byte[512];
    put(header, 0, path);
    put(header, 100, String.format("%07o", permissions));
    put(header, 108, "0000000");
    put(header, 116, "0000000");
    put(header, 124, String.format("%011o", content.length));
    put(header, 136, "00000000000");
    header[156] = (byte) type;
    put(header, 157, link);
    put(header, 257, "ustar\00000");
    putChecksum(header, 0);
    tar.writeBytes(header);
    tar.writeBytes(Arrays.copyOf(content, (content.length + 511) & ~511));
    return this;
  }

  private static void put(byte[] header, int offset, String text) {
    byte[] bytes = text.getBytes(ISO_8859_1);
    System.arraycopy(bytes, 0, header, offset, bytes.length);
  }

  static void putChecksum(byte[] tar, int header) {
    Arrays.fill(tar, header + 148, header + 156, (byte) ' ');
    int sum = 0;
    for (int i = header; i < header + 512; i++) {
      sum += tar[i] & 0xff;
    }
    put(tar, header + 148, String.format("%06o\0 ", sum));
  }

  byte[] end() {
    flushPax();
    tar.writeBytes(new byte[1024]);
    return tar.toByteArray();
  }
}
