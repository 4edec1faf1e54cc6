package io.mapfs.core.importer;

/**
 * Something about one path that did not stop the import.
 *
 * @param path the path under the source's root, printable
 */
public record ImportNotice(Kind kind, String path) {
  /** What happened. */
  public enum Kind {
    /** Changed each time it was read; the version may hold parts of several states. */
    CHANGED_WHILE_READ("changed while it was read"),
    /** Was listed but gone when it was opened; the version does not have it. */
    VANISHED("vanished while the directory was read"),
    /** Lies on another filesystem; the version has no content of it. */
    OTHER_FILE_SYSTEM("is on another filesystem and was left out");

    private final String text;

    Kind(String text) {
      this.text = text;
    }
  }

  /** One line. */
  @Override
  public String toString() {
    return path + " " + kind.text;
  }
}
