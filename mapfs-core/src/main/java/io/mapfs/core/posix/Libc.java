package io.mapfs.core.posix;

/**
 * The C library's functions as jnr-ffi binds them. {@code long} is size_t, off_t, dev_t or an
 * address; no function here has more than five arguments. Public only because jnr-ffi implements it
 * from another class loader: call {@link Posix}.
 */
public interface Libc {
  int openat(int directory, long path, int flags, int mode);

  int close(int descriptor);

  int dup(int descriptor);

  int dup2(int from, int to);

  long read(int descriptor, long address, long count);

  long write(int descriptor, long address, long count);

  long writev(int descriptor, long vectorAddress, int count);

  long pread(int descriptor, long address, long count, long offset);

  long pwrite(int descriptor, long address, long count, long offset);

  long lseek(int descriptor, long offset, int whence);

  int fsync(int descriptor);

  int fdatasync(int descriptor);

  int syncfs(int descriptor);

  int ftruncate(int descriptor, long size);

  int fallocate(int descriptor, int mode, long offset, long length);

  int statx(int directory, long path, int flags, int mask, long statusAddress);

  long getdents64(int descriptor, long address, long count);

  long readlinkat(int directory, long path, long address, long count);

  int mkdirat(int directory, long path, int mode);

  int mknodat(int directory, long path, int mode, long device);

  int linkat(int fromDirectory, long fromPath, int toDirectory, long toPath, int flags);

  int symlinkat(long target, int directory, long path);

  int unlinkat(int directory, long path, int flags);

  int renameat2(int fromDirectory, long fromPath, int toDirectory, long toPath, int flags);

  int utimensat(int directory, long path, long timesAddress, int flags);

  int fchownat(int directory, long path, int uid, int gid, int flags);

  int fchmodat(int directory, long path, int mode, int flags);

  long getxattr(long path, long name, long address, long size);

  long lgetxattr(long path, long name, long address, long size);

  long fgetxattr(int descriptor, long name, long address, long size);

  long listxattr(long path, long address, long size);

  long llistxattr(long path, long address, long size);

  long flistxattr(int descriptor, long address, long size);

  int lsetxattr(long path, long name, long address, long size, int flags);

  int fsetxattr(int descriptor, long name, long address, long size, int flags);

  int lremovexattr(long path, long name);

  int fremovexattr(int descriptor, long name);

  int flock(int descriptor, int operation);

  int fstatfs(int descriptor, long statusAddress);

  int ioctl(int descriptor, long request, long argument);

  int poll(long address, long count, int timeoutMillis);

  int mount(long source, long target, long type, long flags, long data);

  int umount2(long target, int flags);

  int clock_gettime(int clock, long timespec);

  int prctl(int option, long a, long b, long c, long d);

  int open_by_handle_at(int mountDescriptor, long handleAddress, int flags);

  int sync_file_range(int descriptor, long offset, long length, int flags);

  int posix_fadvise(int descriptor, long offset, long length, int advice);

  int setpriority(int which, int who, int priority);

  int chdir(long path);

  int gettid();

  int geteuid();
}
