package io.mapfs.core.verify;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.posix.TreeWalk;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Writes one line of text for each entry of a real directory tree, in path order. Two trees whose
 * fingerprints are equal are equal in all that can be restored.
 *
 * <p>Properties: {@code type} (f, d, l, c, b, p, s), {@code mode}, {@code uid}, {@code gid}, {@code
 * mtime} (seconds since the epoch, rounded down, a dot and the nanoseconds after these), {@code
 * nlink}, {@code size} and {@code sha256} of regular files, {@code target} of symlinks, {@code
 * rdev} of devices, {@code first} (the first path of the same file, where it has several names),
 * {@code xattr.NAME} in hexadecimal digits, by name.
 */
public final class TreeFingerprint {
  /** Most files that stand open to be hashed. */
  private static final int OPEN_FILES_MAX = 64;

  private static final int READ_BYTES = 1 << 20;
  private static final int FILE_FLAGS =
      OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY;
  private static final ThreadLocal<ByteBuffer> BUFFER =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(READ_BYTES));

  private final TreeWalk walk;
  private final FingerprintOptions options;
  private final OutputStream output;
  private final ExecutorService workers;
  private final Queue<Future<FingerprintEntry>> entries = new ArrayDeque<>();

  /** The first path of each file that has several names. */
  private final Map<FileKey, String> firstPaths = new HashMap<>();

  private long count;

  private record FileKey(long ino, int device) {}

  private TreeFingerprint(
      TreeWalk walk, FingerprintOptions options, OutputStream output, ExecutorService workers) {
    this.walk = walk;
    this.options = options;
    this.output = output;
    this.workers = workers;
  }

  /**
   * Writes the fingerprint of the tree at {@code root}; files are hashed with all cores.
   *
   * @param output is written to, not closed
   * @return the number of entries, the root included
   * @throws IOException if an entry cannot be read, or the output not written; one line
   */
  public static long write(String root, FingerprintOptions options, OutputStream output)
      throws IOException, InterruptedException {
    ExecutorService workers =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            task -> {
              Thread thread = new Thread(task, "fingerprint");
              thread.setDaemon(true);
              return thread;
            });
    try (TreeWalk walk = new TreeWalk(root, options.excludes(), options.crossFileSystems())) {
      TreeFingerprint fingerprint = new TreeFingerprint(walk, options, output, workers);
      try {
        fingerprint.run();
      } catch (FsException e) {
        throw new IOException(
            "cannot read " + root + "/" + Posix.printable(walk.path()) + ": " + e.getMessage(), e);
      }
      return fingerprint.count;
    } finally {
      workers.shutdownNow();
    }
  }

  private void run() throws FsException, IOException, InterruptedException {
    TreeWalk.Step step = walk.next();
    while (step != TreeWalk.Step.END) {
      take(step);
      while (entries.size() >= OPEN_FILES_MAX) {
        writeOldest();
      }
      step = walk.next();
    }
    while (!entries.isEmpty()) {
      writeOldest();
    }
    output.flush();
  }

  private void take(TreeWalk.Step step) throws FsException {
    FileStatus status = walk.status();
    boolean directory = status.type() == FileType.DIRECTORY;
    if (step == TreeWalk.Step.VANISHED) {
      throw new FsException(Errno.ENOENT, "it vanished meanwhile; the tree must be left alone");
    }
    if (step == TreeWalk.Step.ELSEWHERE && !directory) {
      return;
    }
    byte[] rawPath = walk.path();
    String path = rawPath.length == 0 ? FingerprintEntry.ROOT : new String(rawPath, ISO_8859_1);
    Map<String, String> properties = properties(status, path);
    if (status.type() == FileType.REGULAR) {
      takeRegular(path, properties);
      return;
    }
    if (status.type() == FileType.SYMLINK) {
      byte[] target = Posix.readLink(walk.directory(), walk.name().toBytes());
      properties.put("target", new String(target, ISO_8859_1));
    }
    if (step == TreeWalk.Step.DIRECTORY) {
      int descriptor = walk.directory();
      addXattrs(Posix.xattrNames(descriptor), name -> Posix.xattr(descriptor, name), properties);
    } else {
      byte[] byDescriptor = Posix.descriptorPath(walk.directory(), walk.name());
      addXattrs(
          Posix.xattrNames(byDescriptor), name -> Posix.xattr(byDescriptor, name), properties);
    }
    entries.add(CompletableFuture.completedFuture(new FingerprintEntry(path, properties)));
  }

  private void takeRegular(String path, Map<String, String> properties) throws FsException {
    Descriptor descriptor = Posix.openToRead(walk.directory(), walk.name().toBytes(), FILE_FLAGS);
    Callable<FingerprintEntry> hash =
        () -> {
          try (descriptor) {
            int number = descriptor.number();
            properties.put("sha256", sha256(number));
            addXattrs(Posix.xattrNames(number), name -> Posix.xattr(number, name), properties);
            return new FingerprintEntry(path, properties);
          } catch (FsException e) {
            throw new IOException(
                "cannot read " + Posix.printable(path.getBytes(ISO_8859_1)) + ": " + e.getMessage(),
                e);
          }
        };
    entries.add(workers.submit(hash));
  }

  private void writeOldest() throws IOException, InterruptedException {
    FingerprintEntry entry;
    try {
      entry = entries.remove().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException known) {
        throw known;
      }
      throw new IllegalStateException("a hashing thread failed", e.getCause());
    }
    output.write((entry.toLine() + "\n").getBytes(US_ASCII));
    count++;
  }

  private Map<String, String> properties(FileStatus status, String path) {
    FileType type = status.type();
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put("type", letter(type));
    properties.put("mode", String.format("%04o", status.permissions()));
    properties.put("uid", Integer.toUnsignedString(status.uid()));
    properties.put("gid", Integer.toUnsignedString(status.gid()));
    properties.put("mtime", text(status.mtime()));
    boolean directory = type == FileType.DIRECTORY;
    if (!directory || options.directorySizes()) {
      properties.put("nlink", Integer.toString(status.nlink()));
    }
    if (type == FileType.REGULAR || (directory && options.directorySizes())) {
      properties.put("size", Long.toString(status.sizeBytes()));
    }
    if (type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE) {
      properties.put(
          "rdev", FileStatus.major(status.rdev()) + ":" + FileStatus.minor(status.rdev()));
    }
    if (!directory && status.nlink() > 1) {
      FileKey key = new FileKey(status.ino(), status.device());
      properties.put("first", firstPaths.computeIfAbsent(key, k -> path));
    }
    return properties;
  }

  private static String letter(FileType type) {
    return switch (type) {
      case REGULAR -> "f";
      case DIRECTORY -> "d";
      case SYMLINK -> "l";
      case CHARACTER_DEVICE -> "c";
      case BLOCK_DEVICE -> "b";
      case FIFO -> "p";
      case SOCKET -> "s";
    };
  }

  private static String text(FileTime time) {
    return String.format("%d.%09d", time.seconds(), time.nanos());
  }

  private interface ValueReader {
    byte[] read(Name name) throws FsException;
  }

  private static void addXattrs(
      List<Name> names, ValueReader reader, Map<String, String> properties) throws FsException {
    Map<Name, byte[]> values = new TreeMap<>();
    for (Name name : names) {
      byte[] value = reader.read(name);
      if (value != null) {
        values.put(name, value);
      }
    }
    values.forEach(
        (name, value) ->
            properties.put(
                "xattr." + new String(name.toBytes(), ISO_8859_1),
                HexFormat.of().formatHex(value)));
  }

  private static String sha256(int descriptor) throws FsException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    ByteBuffer buffer = BUFFER.get().clear();
    while (Posix.read(descriptor, buffer) >= 0) {
      digest.update(buffer.flip());
      buffer.clear();
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
