/**
 * The importer: a directory or a tar becomes a version's blocks and tree.
 *
 * <p>Main types: {@link io.mapfs.core.importer.Importer} (runs one import), {@link
 * io.mapfs.core.importer.ImportSource} (what is imported), {@link
 * io.mapfs.core.importer.ImportTarget} (the port that takes blocks and tree).
 *
 * <p>How it goes:
 *
 * <pre>
 *   walker thread          worker threads         calling thread           upload thread
 *   lists, opens,   ──►    read, hash      ──►    in path order:    ──►    put
 *   names                  (and compress)         which are missing?
 *                                                 spool of inodes
 *                                    then: inode numbers, tree file, commit
 * </pre>
 *
 * <p>Invariants: nothing is published before {@code commit}; symlinks in the source are never
 * followed; an inode number is given once and never again; memory is bounded by the number of names
 * (some 60 bytes each) and a fixed amount of content on its way.
 *
 * <p>Locks: none are held; the threads meet in bounded queues.
 */
package io.mapfs.core.importer;
