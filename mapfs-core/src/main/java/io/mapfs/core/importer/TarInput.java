package io.mapfs.core.importer;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/**
 * A tar's bytes, uncompressed, in records of 512. Every failure names the tar and the place. Only
 * what the tar promised is read: its end in the middle is an error.
 */
final class TarInput {
  static final int RECORD_BYTES = 512;

  private final InputStream stream;
  private final String label;
  private long position;

  TarInput(InputStream stream, String label) {
    this.stream = stream;
    this.label = label;
  }

  /** Reads one record; false if the stream ends before its first byte. */
  boolean readRecord(byte[] record) throws ImportException {
    try {
      int got = stream.readNBytes(record, 0, RECORD_BYTES);
      position += got;
      if (got == 0) {
        return false;
      }
      if (got < RECORD_BYTES) {
        throw cutOff(null);
      }
      return true;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  void readFully(byte[] target, int offset, int length) throws ImportException {
    try {
      int got = stream.readNBytes(target, offset, length);
      position += got;
      if (got < length) {
        throw cutOff(null);
      }
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  void skip(long bytes) throws ImportException {
    try {
      stream.skipNBytes(bytes);
      position += bytes;
    } catch (EOFException e) {
      throw cutOff(e);
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** Skips what fills up a record after so many bytes of content. */
  void skipPadding(long contentBytes) throws ImportException {
    skip(-contentBytes & (RECORD_BYTES - 1));
  }

  /** Reads to the stream's end: a writer is not cut off, and a compressed stream is checked. */
  void drain() throws ImportException {
    byte[] rest = new byte[8192];
    try {
      int got = stream.read(rest);
      while (got > 0) {
        position += got;
        got = stream.read(rest);
      }
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** A failure at the present place. */
  ImportException broken(String what) {
    return new ImportException(label + ": " + what + " (at byte " + position + ")");
  }

  private ImportException cutOff(Exception cause) {
    return new ImportException(
        label + ": the tar is cut off at byte " + position + "; get a whole copy", cause);
  }

  private ImportException unreadable(IOException e) {
    return new ImportException(
        label + ": cannot be read beyond byte " + position + ": " + e.getMessage(), e);
  }
}
