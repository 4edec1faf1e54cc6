/**
 * The {@code direct} front end: the FUSE kernel protocol on /dev/fuse by system calls, without
 * libfuse.
 *
 * <p>Main types: {@link io.mapfs.fuse.direct.DirectFrontEnd} (mounts), {@code DirectMount} (what
 * stands while mounted), {@code Readers} (the threads that serve), {@code Notifier}
 * (invalidations), {@code MountCache} (the mount barrier) with {@link
 * io.mapfs.fuse.direct.SyncHelper}, a process of its own.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>No thread of the daemon makes a system call that the kernel can only finish by asking the
 *       daemon: such a thread could not even be killed. What has to be done on the mount itself
 *       (fsync of its files, umount) is done by child processes, which do not hold /dev/fuse. One
 *       exception is left: the notifier waits for the lock of the inode that it tells the kernel
 *       of; a daemon that is killed just then needs its connection aborted by hand
 *       (/sys/fs/fuse/connections).
 *   <li>While a request may come and all threads are busy, another thread is started, up to the
 *       bound: a request that blocks does not starve the mount.
 *   <li>A reply is written to the same clone of /dev/fuse that its request was read from.
 *   <li>When the last reader has ended, the mount has ended, and everything of it is closed.
 * </ul>
 *
 * <p>Locks: {@code SyncProcess} and {@code DirectMount} each have one; neither is held while the
 * other is taken, and no request is served under either.
 */
package io.mapfs.fuse.direct;
