package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.Statvfs;
import ru.serce.jnrfuse.struct.Timespec;

/** Fills in {@code struct stat} and {@code struct statvfs}, through jnr-fuse's layouts. */
final class AttributesBuffer {
  private static final Runtime RUNTIME = Runtime.getSystemRuntime();
  private static final int BLOCK_BYTES = 512;

  /** st_blksize: the block of a file, and so the best size of a request. */
  private static final int IO_BYTES = 128 * 1024;

  private static final ThreadLocal<FileStat> STAT =
      ThreadLocal.withInitial(() -> new FileStat(RUNTIME));

  private AttributesBuffer() {}

  static void putStat(long address, Attributes a) {
    FileStat stat = STAT.get();
    stat.useMemory(Pointer.wrap(RUNTIME, address));
    stat.st_ino.set(a.ino());
    stat.st_mode.set(a.mode());
    stat.st_nlink.set(a.nlink());
    stat.st_uid.set(a.uid());
    stat.st_gid.set(a.gid());
    // The C library's makedev has the same low 32 bits as the kernel's new_encode_dev.
    stat.st_rdev.set(Integer.toUnsignedLong(a.rdev()));
    stat.st_size.set(a.sizeBytes());
    stat.st_blksize.set(IO_BYTES);
    stat.st_blocks.set(a.allocatedBytes() / BLOCK_BYTES);
    put(stat.st_atim, a.atime());
    put(stat.st_mtim, a.mtime());
    put(stat.st_ctim, a.ctime());
  }

  /** What a directory entry tells: number and type. */
  static void putEntry(FileStat stat, long ino, FileType type) {
    stat.st_ino.set(ino);
    stat.st_mode.set(type.modeBits());
  }

  static void putStatvfs(long address, FileSystemStatistics s) {
    Statvfs statvfs = Statvfs.of(Pointer.wrap(RUNTIME, address));
    statvfs.f_bsize.set(s.blockBytes());
    statvfs.f_frsize.set(s.blockBytes());
    statvfs.f_blocks.set(s.blocks());
    statvfs.f_bfree.set(s.freeBlocks());
    statvfs.f_bavail.set(s.availableBlocks());
    statvfs.f_files.set(s.inodes());
    statvfs.f_ffree.set(s.freeInodes());
    statvfs.f_favail.set(s.freeInodes());
    statvfs.f_namemax.set(Name.MAX_BYTES);
  }

  private static void put(Timespec target, FileTime time) {
    target.tv_sec.set(time.seconds());
    target.tv_nsec.set(time.nanos());
  }
}
