package io.mapfs.core.block;

/** Is told how far a verification has come, once for every few MiB. */
@FunctionalInterface
public interface VerifyProgress {
  VerifyProgress NONE = (checkedBytes, totalBytes) -> {};

  void advanced(long checkedBytes, long totalBytes);
}
