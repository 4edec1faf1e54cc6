/**
 * The FUSE kernel protocol (include/uapi/linux/fuse.h), versions 7.31 to 7.45: requests come in as
 * bytes, become calls of a {@link io.mapfs.core.fs.FileSystemOperations}, and their answers become
 * bytes again. Nothing here knows where the bytes come from, so that all of it is tested unmounted.
 *
 * <p>Main types, from the bottom: the layouts ({@link io.mapfs.fuse.kernel.InHeader}, {@link
 * io.mapfs.fuse.kernel.EntryOut}, …), {@link io.mapfs.fuse.kernel.Exchange} (one request and its
 * reply in one buffer), {@link io.mapfs.fuse.kernel.Opcode} (the table: number, least size,
 * handler), the handlers, {@link io.mapfs.fuse.kernel.KernelConnection} (the dispatcher and what
 * was negotiated), {@link io.mapfs.fuse.kernel.Failures} (the one place where a throwable becomes
 * an errno).
 *
 * <p>Invariants: every request that is due a reply gets exactly one, whatever was thrown; no
 * request, however malformed, escapes as an exception; data of READ and WRITE is never copied here.
 * All multi-byte fields are in native byte order.
 *
 * <p>Locks: each Exchange has its own, held for a few instructions; nothing is called under it.
 *
 * <p>Left out on purpose: byte-range and flock locks (the kernel's own serve one node fully),
 * ioctl, poll and bmap, DAX, CUSE.
 */
package io.mapfs.fuse.kernel;
