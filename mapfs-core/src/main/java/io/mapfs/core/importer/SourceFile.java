package io.mapfs.core.importer;

/** A regular file of a source. Closed once its content is through. */
interface SourceFile extends AutoCloseable {
  int inode();

  Metadata metadata();

  /** Printable path, for notices. */
  String path();

  /** Whether the file is no longer what {@link #metadata} says. */
  boolean changed() throws ImportException;

  /** Reads metadata and content once more. Only after {@link #changed} was true. */
  void readAgain(SegmentSink content) throws ImportException, InterruptedException;

  @Override
  void close();
}
