package io.mapfs.core.importer;

/** Reads a source from its beginning to its end, once. */
interface SourceReader {
  void read(NameTree names, SourceSink sink) throws ImportException, InterruptedException;
}
