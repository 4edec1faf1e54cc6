/**
 * The inode-based operations port: what a filesystem is to MapFS's front ends, free of FUSE and of
 * any store.
 *
 * <p>Main types: {@link io.mapfs.core.fs.FileSystemOperations} (the port), {@link
 * io.mapfs.core.fs.Attributes}, {@link io.mapfs.core.fs.Name}, {@link io.mapfs.core.fs.FsException}
 * (the one checked exception; it carries an {@link io.mapfs.core.fs.Errno}).
 *
 * <p>Invariants: values are immutable; names are bytes, never decoded; a name that is not there is
 * a value ({@code null}), not an exception.
 *
 * <p>Locks: none; implementations state their own.
 */
package io.mapfs.core.fs;
