package io.mapfs.core.rocks;

import io.mapfs.core.kv.DamagedStoreException;
import java.io.IOException;
import java.nio.file.Path;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;

/** Says in one line what RocksDB refused, where, and what to do. */
final class RocksErrors {
  private RocksErrors() {}

  static IOException translate(Path directory, RocksDBException e) {
    Status status = e.getStatus();
    Status.Code code = status == null ? null : status.getCode();
    String text = String.valueOf(e.getMessage()).replace('\n', ' ');
    // RocksDB has no code for "locked": LockFile's own words are all there is (env/fs_posix.cc).
    if (text.contains("lock hold by current process") || text.contains("While lock file")) {
      return new IOException(
          "the database in "
              + directory
              + " is in use by another process: stop that one, or choose another directory",
          e);
    }
    if ((status != null && status.getSubCode() == Status.SubCode.NoSpace)
        || text.contains("No space left on device")) {
      return new IOException(
          "no space left for the database in " + directory + ": free some space and try again", e);
    }
    boolean lost =
        text.contains("No such file or directory") || text.contains("Input/output error");
    if (code == Status.Code.Corruption || (code == Status.Code.IOError && lost)) {
      return new DamagedStoreException("the database in " + directory + " is damaged: " + text, e);
    }
    return new IOException("the database in " + directory + " failed: " + text, e);
  }
}
