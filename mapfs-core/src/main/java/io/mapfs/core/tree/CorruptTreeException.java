package io.mapfs.core.tree;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** A tree index is not what was written: says which file and at what offset. */
public final class CorruptTreeException extends UncheckedIOException {
  private static final long serialVersionUID = 1L;

  CorruptTreeException(Path file, long offsetBytes, String what) {
    super(
        new IOException(
            "tree index "
                + file
                + " is damaged at offset "
                + offsetBytes
                + ": "
                + what
                + "; fetch or restore the file"));
  }

  /** The one line without the wrapped exception's class name. */
  @Override
  public String getMessage() {
    return getCause().getMessage();
  }
}
