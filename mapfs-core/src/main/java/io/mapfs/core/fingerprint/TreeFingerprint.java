package io.mapfs.core.fingerprint;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.PathSet;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.posix.TreeWalk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * Walks a tree and tells its lines in path order. Files are read and hashed by several threads; the
 * number of those on their way is bounded. Stays on the root's filesystem: what is mounted below it
 * is told as a line {@code type=mount}. The tree must be left alone meanwhile.
 */
public final class TreeFingerprint {
  private static final int PENDING_MAX = 256;
  private static final int BUFFER_BYTES = 1 << 20;

  /** Values of xattrs up to this length stand as they are, longer ones as their hash. */
  private static final int PLAIN_VALUE_BYTES_MAX = 64;

  private static final int FILE_FLAGS =
      OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY;

  private static final ThreadLocal<ByteBuffer> BUFFER =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BUFFER_BYTES));

  private final TreeWalk walk;
  private final boolean inodeNumbers;
  private final Consumer<FingerprintLine> sink;
  private final ExecutorService readers;
  private final Deque<CompletableFuture<FingerprintLine>> pending = new ArrayDeque<>();

  /** First path of each file that has several names. */
  private final Map<Long, String> linkedFiles = new HashMap<>();

  private TreeFingerprint(
      TreeWalk walk,
      boolean inodeNumbers,
      Consumer<FingerprintLine> sink,
      ExecutorService readers) {
    this.walk = walk;
    this.inodeNumbers = inodeNumbers;
    this.sink = sink;
    this.readers = readers;
  }

  /**
   * Tells the tree's lines, the root's as "/".
   *
   * @param inodeNumbers whether lines say st_ino
   * @throws IOException if something cannot be read; names the path
   */
  public static void of(
      Path root, boolean inodeNumbers, int threads, Consumer<FingerprintLine> sink)
      throws IOException, InterruptedException {
    ExecutorService readers =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "fingerprint");
              thread.setDaemon(true);
              return thread;
            });
    try (TreeWalk walk = new TreeWalk(root.toString(), PathSet.of(List.of()), false)) {
      TreeFingerprint fingerprint = new TreeFingerprint(walk, inodeNumbers, sink, readers);
      try {
        fingerprint.run();
      } catch (FsException e) {
        Path place = root.resolve(Posix.printable(walk.path()));
        throw new IOException("cannot read " + place + ": " + e.getMessage(), e);
      }
    } finally {
      readers.shutdownNow();
    }
  }

  private void run() throws FsException, IOException, InterruptedException {
    TreeWalk.Step step = walk.next();
    while (step != TreeWalk.Step.END) {
      String path = "/" + FingerprintLine.escape(walk.path());
      switch (step) {
        case DIRECTORY -> {
          // The path ends in a dot: the descriptor's own would be a symlink, and is not followed.
          byte[] self = Posix.bytes("/proc/self/fd/" + walk.directory() + "/.");
          ready(new FingerprintLine(path, fields(walk.status(), self)));
        }
        case FILE -> file(path, walk.status());
        case ELSEWHERE -> ready(new FingerprintLine(path, "type=mount"));
        default ->
            throw new FsException(Errno.ENOENT, "it vanished; leave the tree alone meanwhile");
      }
      step = walk.next();
    }
    drain(0);
  }

  /** Tells a file; of one with several names the first is read, the others refer to it. */
  private void file(String path, FileStatus status)
      throws FsException, IOException, InterruptedException {
    String fields = fields(status, Posix.descriptorPath(walk.directory(), walk.name()));
    if (status.nlink() > 1) {
      String first = linkedFiles.putIfAbsent(status.ino(), path);
      if (first != null) {
        ready(new FingerprintLine(path, fields + " same=" + first));
        return;
      }
    }
    if (status.type() == FileType.REGULAR) {
      regular(path, fields);
    } else if (status.type() == FileType.SYMLINK) {
      byte[] target = Posix.readLink(walk.directory(), walk.name().toBytes());
      ready(new FingerprintLine(path, fields + " target=" + FingerprintLine.escape(target)));
    } else {
      ready(new FingerprintLine(path, fields));
    }
  }

  /** Hashes a file beside the walk. */
  private void regular(String path, String fields)
      throws FsException, IOException, InterruptedException {
    // Opened here, as the directory may be closed by the time that the file is read.
    Descriptor file = Posix.openToRead(walk.directory(), walk.name().toBytes(), FILE_FLAGS);
    CompletableFuture<FingerprintLine> line = new CompletableFuture<>();
    readers.execute(
        () -> {
          try (file) {
            line.complete(new FingerprintLine(path, fields + " sha256=" + hash(file)));
          } catch (FsException | RuntimeException e) {
            line.completeExceptionally(
                new IOException("cannot read " + path + ": " + e.getMessage(), e));
          }
        });
    pending.add(line);
    drain(PENDING_MAX);
  }

  private String fields(FileStatus status, byte[] reached) throws FsException {
    FileType type = status.type();
    StringBuilder fields = new StringBuilder(160);
    fields.append("type=").append(type.name().toLowerCase(Locale.ROOT));
    fields.append(String.format(Locale.ROOT, " mode=%04o", status.permissions()));
    fields.append(" uid=").append(status.uid()).append(" gid=").append(status.gid());
    fields.append(
        String.format(
            Locale.ROOT, " mtime=%d.%09d", status.mtime().seconds(), status.mtime().nanos()));
    fields.append(" nlink=").append(status.nlink());
    if (type == FileType.REGULAR || type == FileType.SYMLINK) {
      fields.append(" size=").append(status.sizeBytes());
    } else if (type == FileType.BLOCK_DEVICE || type == FileType.CHARACTER_DEVICE) {
      fields.append(" device=").append(FileStatus.major(status.rdev()));
      fields.append(':').append(FileStatus.minor(status.rdev()));
    }
    if (inodeNumbers) {
      fields.append(" ino=").append(status.ino());
    }
    for (Name name : xattrNames(reached)) {
      byte[] value = Posix.xattr(reached, name);
      if (value != null) {
        fields
            .append(" xattr:")
            .append(FingerprintLine.escape(name.toBytes()).replace("=", "\\x3d"));
        fields.append('=').append(xattrValue(value));
      }
    }
    return fields.toString();
  }

  private static List<Name> xattrNames(byte[] path) throws FsException {
    try {
      List<Name> names = new ArrayList<>(Posix.xattrNames(path));
      names.sort(null);
      return names;
    } catch (FsException e) {
      if (e.errno() == Errno.EOPNOTSUPP) {
        return List.of();
      }
      throw e;
    }
  }

  private static String xattrValue(byte[] value) {
    return value.length <= PLAIN_VALUE_BYTES_MAX
        ? HexFormat.of().formatHex(value)
        : "sha256:" + HexFormat.of().formatHex(Sha256.of(value));
  }

  private static String hash(Descriptor file) throws FsException {
    MessageDigest digest = Sha256.newDigest();
    ByteBuffer buffer = BUFFER.get();
    while (Posix.read(file.number(), buffer.clear()) >= 0) {
      digest.update(buffer.flip());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private void ready(FingerprintLine line) throws IOException, InterruptedException {
    pending.add(CompletableFuture.completedFuture(line));
    drain(PENDING_MAX);
  }

  /** Tells lines in order until no more than this many are on their way. */
  private void drain(int most) throws IOException, InterruptedException {
    while (pending.size() > most || (!pending.isEmpty() && pending.peek().isDone())) {
      try {
        sink.accept(pending.remove().get());
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException io
            ? io
            : new IOException("cannot read the tree: " + e.getCause(), e);
      }
    }
  }
}
