package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.nio.file.Path;

/** The disk beneath the local copy; tests put one here that fails. */
interface LocalFiles {
  /** Makes a file, or empties it. Its name is durable after {@link #syncDirectory}. */
  LocalFile create(Path file) throws FsException;

  /** Opens a file that is there, to read and write. */
  LocalFile open(Path file) throws FsException;

  /** Brings a directory's names to disk. */
  void syncDirectory(Path directory) throws FsException;

  /** Opens the database of the index, or makes it. */
  KeyValueStore openIndex(Path directory) throws IOException;
}
