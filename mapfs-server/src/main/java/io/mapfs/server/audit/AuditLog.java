package io.mapfs.server.audit;

import com.google.gson.JsonObject;
import io.mapfs.core.files.DurableFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** The audit log of one appliance. Safe for concurrent use. */
public final class AuditLog implements Closeable {
  private static final String NUMBER = "number";
  private static final String OF = "of";
  private static final String RESULT = "result";
  private static final String SUFFIX = ".log";

  private final Path directory;
  private final Clock clock;
  private final long mostFileBytes;
  private final int mostFiles;
  private FileChannel channel;
  private String lastHash = AuditFile.NOTHING;
  private long lastNumber;

  private AuditLog(Path directory, Clock clock, long mostFileBytes, int mostFiles) {
    this.directory = directory;
    this.clock = clock;
    this.mostFileBytes = mostFileBytes;
    this.mostFiles = mostFiles;
  }

  /** Keeps 16 files of 4 MiB: some 100,000 acts. */
  public static AuditLog open(Path directory, Clock clock) throws IOException {
    return open(directory, clock, 4 << 20, 16);
  }

  static AuditLog open(Path directory, Clock clock, long mostFileBytes, int mostFiles)
      throws IOException {
    DurableFiles.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    AuditLog log = new AuditLog(directory, clock, mostFileBytes, mostFiles);
    log.resume();
    return log;
  }

  /** Goes on after the last line; what a crash cut off goes, what is damaged stays as it is. */
  private void resume() throws IOException {
    List<Path> files = files();
    if (files.isEmpty()) {
      begin();
      return;
    }
    Path newest = files.get(files.size() - 1);
    AuditFile file = AuditFile.read(newest);
    lastNumber = numberOf(newest) - 1;
    for (JsonObject entry : file.entries()) {
      lastNumber = entry.get(NUMBER).getAsLong();
    }
    lastHash = file.last();
    if (file.fault() == null || (file.isTorn() && file.wholeBytes() > 0)) {
      channel = FileChannel.open(newest, StandardOpenOption.WRITE);
      channel.truncate(file.wholeBytes());
      channel.position(file.wholeBytes());
    } else {
      // Past whatever numbers the damaged part has.
      lastNumber += Files.size(newest);
      begin();
    }
  }

  /** Begins a file. */
  private void begin() throws IOException {
    if (channel != null) {
      channel.force(true);
      channel.close();
    }
    Path file = directory.resolve(String.format("%016x", lastNumber + 1) + SUFFIX);
    channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    byte[] line = AuditFile.line(AuditFile.NOTHING, AuditFile.head(lastHash));
    append(line);
    DurableFiles.syncDirectory(directory);
    List<Path> files = files();
    for (Path old : files.subList(0, Math.max(0, files.size() - mostFiles))) {
      Files.delete(old);
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(SUFFIX)).sorted().toList();
    }
  }

  private static long numberOf(Path file) {
    String name = file.getFileName().toString();
    return Long.parseUnsignedLong(name.substring(0, name.length() - SUFFIX.length()), 16);
  }

  private void append(byte[] line) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(line);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    lastHash = AuditFile.hashOf(line);
  }

  private long append(JsonObject entry) throws IOException {
    if (channel.position() >= mostFileBytes) {
      begin();
    }
    long number = lastNumber + 1;
    entry.addProperty(NUMBER, number);
    entry.addProperty("timeMillis", clock.millis());
    append(AuditFile.line(lastHash, entry));
    lastNumber = number;
    return number;
  }

  /**
   * Somebody is about to do this; durable on return.
   *
   * @param parameters without secrets
   * @return the act's number
   */
  public synchronized long began(String who, String peer, String method, JsonObject parameters)
      throws IOException {
    JsonObject entry = new JsonObject();
    entry.addProperty("who", who);
    entry.addProperty("peer", peer);
    entry.addProperty("method", method);
    entry.add("parameters", parameters);
    long number = append(entry);
    channel.force(false);
    return number;
  }

  /**
   * It was done, or refused. Durable with the next act at the latest: a crash between the two
   * leaves an act without a result.
   */
  public synchronized void ended(long number, String result) throws IOException {
    JsonObject entry = new JsonObject();
    entry.addProperty(OF, number);
    entry.addProperty(RESULT, result);
    append(entry);
  }

  /** Whether anybody ever did anything. */
  public synchronized boolean hasActs() {
    return lastNumber > 0;
  }

  /** Acts with their results, oldest first, and what is wrong with the log. */
  public record Page(List<JsonObject> acts, List<String> faults) {}

  /** The newest acts; verifies the files that it reads them from, and how they join. */
  public synchronized Page newest(int most) throws IOException {
    Deque<JsonObject> acts = new ArrayDeque<>();
    List<String> faults = new ArrayList<>();
    Map<Long, String> results = new HashMap<>();
    List<Path> files = files();
    String expected = lastHash;
    for (int i = files.size() - 1; i >= 0 && acts.size() < most; i--) {
      AuditFile file = AuditFile.read(files.get(i));
      String name = files.get(i).getFileName().toString();
      if (file.fault() != null) {
        faults.add(name + ": " + file.fault());
      } else if (!file.last().equals(expected)) {
        faults.add(name + ": lines are missing at its end");
      }
      expected = file.previous();
      List<JsonObject> entries = file.entries();
      for (int at = entries.size() - 1; at >= 0 && acts.size() < most; at--) {
        JsonObject entry = entries.get(at);
        if (entry.has(OF)) {
          results.put(entry.get(OF).getAsLong(), entry.get(RESULT).getAsString());
        } else {
          String result = results.remove(entry.get(NUMBER).getAsLong());
          entry.addProperty(RESULT, result == null ? "not known" : result);
          acts.addFirst(entry);
        }
      }
    }
    return new Page(List.copyOf(acts), faults);
  }

  @Override
  public synchronized void close() throws IOException {
    channel.force(true);
    channel.close();
  }
}
