package io.mapfs.core.importer;

/** An import cannot go on. The message is one line for people: what, where, what to do. */
public final class ImportException extends Exception {
  private static final long serialVersionUID = 1L;

  public ImportException(String message) {
    this(message, null);
  }

  public ImportException(String message, Throwable cause) {
    super(message, cause);
  }
}
