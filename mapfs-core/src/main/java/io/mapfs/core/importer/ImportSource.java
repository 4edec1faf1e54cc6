package io.mapfs.core.importer;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.PathSet;
import io.mapfs.core.posix.Posix;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is imported: a directory, or a tar that may be compressed. Good for one import. */
public final class ImportSource {
  /** Makes the reader; nothing is opened yet. */
  @FunctionalInterface
  private interface ReaderFactory {
    SourceReader reader(PathSet excludes, boolean crossFileSystems);
  }

  private final ReaderFactory factory;

  private ImportSource(ReaderFactory factory) {
    this.factory = factory;
  }

  /**
   * The directory or tar file at a path, or standard input for {@code -}.
   *
   * @throws ImportException if nothing readable is there
   */
  public static ImportSource of(String path) throws ImportException {
    if (path.equals("-")) {
      return tar(System.in, "standard input");
    }
    FileStatus status;
    try {
      status = Posix.status(Posix.AT_FDCWD, Posix.bytes(path), 0);
    } catch (FsException e) {
      throw new ImportException("cannot import " + path + ": " + reason(e), e);
    }
    return switch (status.type()) {
      case DIRECTORY ->
          new ImportSource((excludes, cross) -> new DirectorySource(path, excludes, cross));
      case REGULAR, FIFO ->
          new ImportSource(
              (excludes, cross) -> (names, sink) -> readTar(path, excludes, names, sink));
      default ->
          throw new ImportException(
              "cannot import " + path + ": it is neither a directory nor a tar");
    };
  }

  /**
   * A tar that is read from a stream, to the stream's end.
   *
   * @param label what messages call it
   */
  public static ImportSource tar(InputStream stream, String label) {
    return new ImportSource((excludes, cross) -> new TarSource(stream, label, excludes));
  }

  private static void readTar(String path, PathSet excludes, NameTree names, SourceSink sink)
      throws ImportException, InterruptedException {
    try (InputStream stream = new BufferedInputStream(Files.newInputStream(Path.of(path)))) {
      new TarSource(stream, path, excludes).read(names, sink);
    } catch (IOException e) {
      throw new ImportException("cannot read " + path + ": " + e.getMessage(), e);
    }
  }

  SourceReader reader(ImportOptions options) throws ImportException {
    PathSet excludes;
    try {
      excludes = PathSet.of(options.excludes());
    } catch (IllegalArgumentException e) {
      throw new ImportException(e.getMessage(), e);
    }
    return factory.reader(excludes, options.crossFileSystems());
  }

  /** An error in a person's words. */
  static String reason(FsException e) {
    return switch (e.errno()) {
      case ENOENT -> "no such file or directory";
      case EACCES, EPERM -> "permission denied";
      case ENOTDIR -> "not a directory";
      case ELOOP -> "too many symbolic links";
      case EMFILE, ENFILE -> "too many open files; raise the limit (ulimit -n)";
      case EIO -> "the disk reports an input/output error";
      default -> e.getMessage();
    };
  }
}
