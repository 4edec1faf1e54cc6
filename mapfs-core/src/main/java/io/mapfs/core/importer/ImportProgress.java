package io.mapfs.core.importer;

/** Is told how far an import has come, at most {@value #PER_SECOND_MAX} times a second. */
@FunctionalInterface
public interface ImportProgress {
  int PER_SECOND_MAX = 4;

  /** Tells nobody. */
  ImportProgress NONE = (files, bytes, newBytes) -> {};

  /**
   * @param files files of all types read so far
   * @param bytes sizes of the regular ones among them
   * @param newBytes content bytes among these that the target did not have
   */
  void advanced(long files, long bytes, long newBytes);
}
