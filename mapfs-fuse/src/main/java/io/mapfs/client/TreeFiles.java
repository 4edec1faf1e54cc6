package io.mapfs.client;

import com.google.gson.JsonObject;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.tree.TreeRepair;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * A directory of tree index files, downloaded when they are first asked for. Safe for concurrent
 * use, by several processes too.
 *
 * <p>A file's name holds the appliance's identity, the version and its root hash, so that a file is
 * never mistaken for another tree's. It appears under its name once it is whole and verified; a
 * download that broke off goes on where it stopped. A page that is found damaged while the index is
 * open is fetched again and put right in the file. The least recently opened files beyond a bound
 * are deleted; an index that is open lives on without its name.
 */
public final class TreeFiles {
  private static final int MOST_FILES = 8;
  private static final int CHUNK_BYTES = Limits.MAX_TREE_CHUNK_BYTES;

  /** Chunks asked for ahead: enough to fill 1 Gbit/s at a round trip of 60 ms. */
  private static final int CHUNKS_AHEAD = 8;

  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
  private static final String COMPLETE = ".tree";
  private static final String PART = ".part";

  /** Held by the process that downloads. */
  private static final String LOCK = "download.lock";

  private final ApplianceClient client;
  private final Path directory;
  private final Object downloading = new Object();

  /**
   * @param directory made when needed; the user's alone
   */
  public TreeFiles(ApplianceClient client, Path directory) {
    this.client = client;
    this.directory = directory;
  }

  /**
   * Opens a version's tree, downloading it unless it is here.
   *
   * @throws ApplianceException if the appliance refuses it or is out of reach
   * @throws IOException if the directory cannot be written or the download is not the tree
   */
  public TreeIndex open(String master, int version) throws ApplianceException, IOException {
    String prefix = client.welcome().clusterId() + "-" + master + "@" + version + "-";
    TreeRepair repair = repair(master, version);
    TreeIndex known = openKnown(prefix, repair);
    if (known != null) {
      return known;
    }
    JsonObject parameters = new JsonObject();
    parameters.addProperty("master", master);
    parameters.addProperty("version", Integer.toString(version));
    JsonObject shown = client.call("version.show", parameters);
    long bytes = shown.get("treeBytes").getAsLong();
    String hash = shown.get("treeHash").getAsString();
    Path file = directory.resolve(prefix + hash + COMPLETE);
    // One download at a time in this process; the file lock keeps other processes out.
    synchronized (downloading) {
      TreeIndex present = openPresent(file, hash, repair);
      if (present != null) {
        return present;
      }
      Files.createDirectories(directory);
      return download(master, version, bytes, hash, file);
    }
  }

  /** A file whose name begins like this: a version never changes, so nobody need be asked. */
  private TreeIndex openKnown(String prefix, TreeRepair repair) throws IOException {
    if (!Files.isDirectory(directory)) {
      return null;
    }
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(directory, prefix + "*" + COMPLETE)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        String hash = name.substring(prefix.length(), name.length() - COMPLETE.length());
        if (HASH.matcher(hash).matches()) {
          return openPresent(file, hash, repair);
        }
      }
    }
    return null;
  }

  /** The file's index; {@code null} if there is none, or none that can be used. */
  private static TreeIndex openPresent(Path file, String hash, TreeRepair repair)
      throws IOException {
    try {
      TreeIndex index = TreeIndex.open(file, HexFormat.of().parseHex(hash), repair);
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      return index;
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException | CorruptTreeException e) {
      Files.deleteIfExists(file); // damaged since: to be had again
      return null;
    }
  }

  private TreeIndex download(String master, int version, long bytes, String hash, Path file)
      throws ApplianceException, IOException {
    Path part = file.resolveSibling(file.getFileName() + PART);
    // The lock has a file of its own: to close any descriptor of a file drops all of a process's
    // locks on it (fcntl(2)), and the part is opened once more to be verified.
    try (FileChannel locked =
            FileChannel.open(
                directory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = locked.lock();
        FileChannel channel =
            FileChannel.open(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      TreeIndex present =
          openPresent(
              file, hash, repair(master, version)); // another process's, while this one waited
      if (present != null) {
        return present;
      }
      if (channel.size() > bytes) {
        channel.truncate(0);
      }
      receive(master, version, bytes, channel);
      channel.force(false);
      verify(part, hash);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    }
    dropOldest();
    return TreeIndex.open(file, HexFormat.of().parseHex(hash), repair(master, version));
  }

  /** Takes a damaged page from the appliance. */
  private TreeRepair repair(String master, int version) {
    return (offset, length) -> {
      try {
        return ApplianceClient.await(
                client.getTree(master, version, offset, length, Priority.DEMAND))
            .data();
      } catch (ApplianceException e) {
        throw new IOException(e.getMessage(), e);
      }
    };
  }

  /** Asks for what is missing at the end, some chunks ahead, and appends it in order. */
  private void receive(String master, int version, long bytes, FileChannel channel)
      throws ApplianceException, IOException {
    ArrayDeque<CompletableFuture<Message.TreeChunk>> asked = new ArrayDeque<>();
    long written = channel.size();
    long nextOffset = written;
    try {
      while (written < bytes) {
        while (nextOffset < bytes && asked.size() < CHUNKS_AHEAD) {
          int length = (int) Math.min(CHUNK_BYTES, bytes - nextOffset);
          asked.add(client.getTree(master, version, nextOffset, length, Priority.DEMAND));
          nextOffset += length;
        }
        Message.TreeChunk chunk = ApplianceClient.await(asked.remove());
        ByteBuffer data = chunk.data();
        long expected = Math.min(CHUNK_BYTES, bytes - written);
        if (data.remaining() != expected || chunk.totalBytes() != bytes) {
          throw new ApplianceException(
              FailureCode.INTERNAL,
              "the appliance sent "
                  + data.remaining()
                  + " bytes of the tree of "
                  + master
                  + " version "
                  + version
                  + " where "
                  + expected
                  + " were asked for");
        }
        while (data.hasRemaining()) {
          written += channel.write(data, written);
        }
      }
    } finally {
      asked.forEach(chunk -> chunk.cancel(true));
    }
  }

  private static void verify(Path part, String hash) throws IOException {
    try {
      TreeIndex.open(part, HexFormat.of().parseHex(hash)).verifyAll();
    } catch (IOException | RuntimeException e) {
      Files.deleteIfExists(part);
      throw e instanceof IOException failure
          ? failure
          : new IOException("the downloaded tree index is damaged: " + e.getMessage(), e);
    }
  }

  private void dropOldest() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> complete = Files.newDirectoryStream(directory, "*" + COMPLETE)) {
      complete.forEach(files::add);
    }
    if (files.size() <= MOST_FILES) {
      return;
    }
    List<Opened> byAge = new ArrayList<>();
    for (Path file : files) {
      try {
        byAge.add(new Opened(file, Files.getLastModifiedTime(file)));
      } catch (NoSuchFileException e) {
        // Another process dropped it.
      }
    }
    byAge.sort(Comparator.comparing(Opened::time).reversed());
    for (Opened old : byAge.subList(Math.min(MOST_FILES, byAge.size()), byAge.size())) {
      Files.deleteIfExists(old.file());
    }
  }

  private record Opened(Path file, FileTime time) {}
}
