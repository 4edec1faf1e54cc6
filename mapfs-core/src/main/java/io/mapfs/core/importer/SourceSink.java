package io.mapfs.core.importer;

/**
 * Takes what a source has, in path order as far as the source has one. Used by one thread; may
 * block while too much is on its way.
 */
interface SourceSink extends SegmentSink {
  /** Takes an inode that has no content, or new metadata of one. */
  void inode(int inode, Metadata metadata) throws InterruptedException;

  /** Ends a file's content: the segments since the last end are this file's. Takes the file. */
  void endFile(SourceFile file) throws InterruptedException;

  void notice(ImportNotice.Kind kind, String path) throws InterruptedException;
}
