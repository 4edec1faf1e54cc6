/**
 * The front-end port: how a {@link io.mapfs.core.fs.FileSystemOperations} becomes a mounted
 * filesystem, whichever way it talks to the kernel.
 *
 * <p>Main types: {@link io.mapfs.fuse.FrontEnd} (mounts), {@link io.mapfs.fuse.MountedFileSystem}
 * (what stands while it is mounted), {@link io.mapfs.fuse.FrontEnds} (chooses one by name).
 *
 * <p>Invariants: no thread of a front end ever waits for its own mount; a front end that is closed
 * leaves nothing mounted; a request that fails never ends the mount.
 *
 * <p>Locks: none here; implementations state their own.
 */
package io.mapfs.fuse;
