package io.mapfs.server.simulation;

import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** A real record whose pages stand for themselves by their hashes. */
record SimRecord(JournalRecord record, String hash) {
  static final String NODE = "web01";
  private static final int PAGES_PER_FILE = 4;

  /** Files are inodes from 1 on; a page of them is a number, and what it holds another. */
  static SimRecord seal(
      long epoch, long sequence, String previousHash, SortedMap<Integer, Integer> pages) {
    List<Change> changes = new ArrayList<>();
    for (Map.Entry<Integer, Integer> page : pages.entrySet()) {
      byte[] hash = new byte[Change.WritePages.HASH_BYTES];
      ByteBuffer.wrap(hash).putInt(page.getValue());
      changes.add(
          new Change.WritePages(
              1 + page.getKey() / PAGES_PER_FILE, page.getKey() % PAGES_PER_FILE, hash));
    }
    JournalRecord record =
        new JournalRecord(NODE, epoch, sequence, bytes(previousHash), 0, changes);
    return new SimRecord(record, text(RecordCodec.hash(record)));
  }

  long sequence() {
    return record.sequence();
  }

  long epoch() {
    return record.epoch();
  }

  String previousHash() {
    return text(record.previousHash());
  }

  /** Bytes that travel: the record and its pages. */
  long bytes() {
    return RecordCodec.encodedBytes(record) + mostBytes();
  }

  /** Most that it can add to what the overlay has. */
  long mostBytes() {
    return (long) RecordCodec.pageCount(record.changes()) * Change.PAGE_BYTES;
  }

  void applyTo(Map<Integer, Integer> pages) {
    for (Change change : record.changes()) {
      Change.WritePages write = (Change.WritePages) change;
      pages.put(
          (int) ((write.ino() - 1) * PAGES_PER_FILE + write.firstPage()),
          ByteBuffer.wrap(write.pageHashes()).getInt());
    }
  }

  static String none() {
    return text(new byte[JournalRecord.HASH_BYTES]);
  }

  static byte[] bytes(String hash) {
    byte[] bytes = new byte[JournalRecord.HASH_BYTES];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) hash.charAt(i);
    }
    return bytes;
  }

  static String text(byte[] hash) {
    char[] text = new char[hash.length];
    for (int i = 0; i < hash.length; i++) {
      text[i] = (char) (hash[i] & 0xFF);
    }
    return new String(text);
  }

  @Override
  public String toString() {
    return "record " + sequence() + " of epoch " + epoch() + " " + Arrays.hashCode(bytes(hash));
  }
}
