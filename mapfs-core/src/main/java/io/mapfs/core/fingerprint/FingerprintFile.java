package io.mapfs.core.fingerprint;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** A fingerprint as a text: a heading, the lines, and at the end how many there were. */
public final class FingerprintFile {
  private static final String HEADING = "mapfs-fingerprint 1";
  private static final String END = "end ";

  private FingerprintFile() {}

  /** Writes one, line by line. */
  public static final class Writer implements AutoCloseable {
    private final PrintWriter out;
    private long lines;

    public Writer(PrintWriter out) {
      this.out = out;
      out.println(HEADING);
    }

    public void add(FingerprintLine line) {
      out.println(line);
      lines++;
    }

    /** Ends the text; the writer beneath stays open. */
    @Override
    public void close() {
      out.println(END + lines);
      out.flush();
    }
  }

  /** Reads one; refuses what is no fingerprint, or is cut off. */
  public static final class Reader implements Iterator<FingerprintLine>, AutoCloseable {
    private final Path file;
    private final BufferedReader in;
    private long lines;
    private FingerprintLine next;

    public Reader(Path file) throws IOException {
      this.file = file;
      in = Files.newBufferedReader(file, StandardCharsets.US_ASCII);
      if (!HEADING.equals(in.readLine())) {
        in.close();
        throw new IOException(file + " is no fingerprint: it does not begin with " + HEADING);
      }
    }

    @Override
    public boolean hasNext() {
      return next != null || (next = read()) != null;
    }

    @Override
    public FingerprintLine next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      FingerprintLine line = next;
      next = null;
      return line;
    }

    private FingerprintLine read() {
      try {
        String line = in.readLine();
        if (line == null) {
          throw new IOException(file + " is cut off after line " + (lines + 1));
        } else if (line.startsWith(END)) {
          if (!line.equals(END + lines)) {
            throw new IOException(file + " has lost lines: " + lines + " of " + line);
          }
          return null;
        }
        lines++;
        return FingerprintLine.parse(line);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (IllegalArgumentException e) {
        throw new UncheckedIOException(
            new IOException(file + ":" + (lines + 1) + ": " + e.getMessage(), e));
      }
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
