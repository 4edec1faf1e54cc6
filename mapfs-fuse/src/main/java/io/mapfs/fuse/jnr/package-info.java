/**
 * The front end on jnr-fuse and libfuse 2, for kernels or users that cannot use {@code direct}.
 *
 * <pre>
 *  kernel ── libfuse 2 ── OperationsTable ── NameCallbacks, AttributeCallbacks,
 *             │  ▲                            FileCallbacks, DirectoryCallbacks
 *             ▼  │                                 │ Paths, OpenFiles, HiddenFiles
 *            Worker (threads)                      ▼
 *                                          FileSystemOperations
 * </pre>
 *
 * libfuse's callbacks are path-based and the operations inode-based: {@link
 * io.mapfs.fuse.jnr.Paths} walks each path by lookups, which are taken back when the callback ends;
 * an open file holds its own lookup, so that it works whatever becomes of its path. Paths are
 * bytes, never strings.
 *
 * <p>Three things the callbacks do not tell are taken from the kernel's request, which lies in the
 * worker's buffer: its number (for interrupts), the times that the kernel means by "now", and
 * whether a rename is libfuse hiding a file that is still open ({@link
 * io.mapfs.fuse.jnr.HiddenFiles}).
 *
 * <p>Invariants: a callback never throws; every lookup is forgotten once; what libfuse cannot
 * express stands in docs/semantics.md.
 *
 * <p>Locks: libfuse locks the paths of a request in its own tree while the callback runs; here only
 * concurrent maps.
 */
package io.mapfs.fuse.jnr;
