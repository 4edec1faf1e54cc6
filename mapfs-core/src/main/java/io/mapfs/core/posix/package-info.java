/**
 * Linux system calls: what java.nio cannot say about a root filesystem.
 *
 * <p>Main types: {@link io.mapfs.core.posix.Posix} (the calls), {@link
 * io.mapfs.core.posix.FileStatus} (what statx(2) tells), {@link
 * io.mapfs.core.posix.DirectoryReader} (getdents64), {@link io.mapfs.core.posix.TreeWalk} (a whole
 * tree), {@link io.mapfs.core.posix.Descriptor} (a descriptor that closes itself), {@link
 * io.mapfs.core.posix.OpenFlags} (flags whose values depend on the processor).
 *
 * <p>Invariants: names and paths are bytes, without a terminating NUL, never decoded. Only integers
 * cross to C (addresses too), at most five a call: jnr-ffi 2.2 passes garbage as a sixth on x86-64
 * (its issue 181). Only structures whose layout is the same on x86-64 and aarch64 are used.
 *
 * <p>Locks: none. All calls may be made from any thread; scratch memory belongs to the thread.
 */
package io.mapfs.core.posix;
