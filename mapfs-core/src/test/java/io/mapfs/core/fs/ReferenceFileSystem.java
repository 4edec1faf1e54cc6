package io.mapfs.core.fs;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.tree.RepositoryTree;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The plainest correct filesystem: everything in the heap, one lock around every operation, no
 * overlay and no journal. It is the yardstick that MapFS's own filesystems are compared with, and a
 * stand-in for them in tests of the front ends.
 *
 * <p>Its answers define the order in which errors are checked: that of Linux's namei.c and then of
 * the filesystem.
 */
public final class ReferenceFileSystem implements FileSystemOperations {
  /** Largest file, as {@code RecordLimits.MAX_FILE_BYTES}. */
  private static final long MAX_FILE_BYTES = Long.MAX_VALUE & -4096L;

  private static final int PAGE_BYTES = 4096;
  private static final int MAX_SYMLINK_BYTES = 4095;
  private static final int MAX_XATTR_VALUE_BYTES = 64 << 10;
  private static final int MAX_XATTRS_BYTES = 1 << 20;
  private static final int O_TRUNC = 01000;
  private static final int O_EXCL = 0200;
  private static final int SETUID = 04000;
  private static final int SETGID = 02000;
  private static final int GROUP_EXECUTE = 010;
  private static final Name CAPABILITY = Name.of("security.capability");

  /** An inode; a plain bag of values. */
  static final class Inode {
    final long ino;
    final FileType type;
    int permissions;
    int uid;
    int gid;
    int nlink;
    int rdev;
    long sizeBytes;
    FileTime atime;
    FileTime mtime;
    FileTime ctime;
    FileTime btime;
    byte[] symlinkTarget;
    final TreeMap<Name, byte[]> xattrs = new TreeMap<>();
    final TreeMap<Name, Inode> children = new TreeMap<>();

    /** Cookies of the children; never reused within a directory. */
    final Map<Name, Long> cookies = new HashMap<>();

    long nextCookie = 3;
    Inode parent;
    final TreeMap<Long, byte[]> pages = new TreeMap<>();
    long lookups;
    long opens;

    /** O_TMPFILE without O_EXCL: may be linked although it has no name. */
    boolean linkable;

    Inode(long ino, FileType type) {
      this.ino = ino;
      this.type = type;
    }
  }

  private final FileClock clock;
  private final Map<Long, Inode> inodes = new HashMap<>();
  private final Map<Long, Inode> handles = new HashMap<>();
  private long nextIno = NodeId.FIRST_OVERLAY_INO;
  private long nextHandle = 1;

  /** An empty tree whose root belongs to root, mode 0755. */
  public ReferenceFileSystem(FileClock clock) {
    this.clock = clock;
    Inode root = new Inode(NodeId.ROOT, FileType.DIRECTORY);
    root.permissions = 0755;
    root.nlink = 2;
    root.parent = root;
    root.lookups = 1;
    FileTime now = clock.now();
    root.atime = now;
    root.mtime = now;
    root.ctime = now;
    root.btime = now;
    inodes.put(root.ino, root);
  }

  /** A writable copy of a version's tree, inode numbers and times included. */
  public static ReferenceFileSystem of(RepositoryTree tree, BlockReader blocks, FileClock clock)
      throws FsException {
    ReferenceFileSystem result = new ReferenceFileSystem(clock);
    result.inodes.clear();
    Inode root = result.copy(tree, blocks, tree.slotOf(NodeId.ROOT));
    root.lookups = 1;
    root.parent = root;
    result.copyChildren(tree, blocks, tree.slotOf(NodeId.ROOT), root);
    return result;
  }

  private void copyChildren(RepositoryTree tree, BlockReader blocks, int slot, Inode directory)
      throws FsException {
    for (int i = 0; i < tree.childCount(slot); i++) {
      int childSlot = tree.childSlot(slot, i);
      Inode child = inodes.get(tree.ino(childSlot));
      if (child == null) {
        child = copy(tree, blocks, childSlot);
      }
      Name name = tree.childName(slot, i);
      directory.children.put(name, child);
      directory.cookies.put(name, directory.nextCookie++);
      if (child.type == FileType.DIRECTORY) {
        child.parent = directory;
        copyChildren(tree, blocks, childSlot, child);
      }
    }
  }

  private Inode copy(RepositoryTree tree, BlockReader blocks, int slot) throws FsException {
    Attributes from = tree.attributes(slot);
    Inode inode = new Inode(from.ino(), from.type());
    inode.permissions = from.permissions();
    inode.uid = from.uid();
    inode.gid = from.gid();
    inode.nlink = from.nlink();
    inode.rdev = from.rdev();
    inode.sizeBytes = from.sizeBytes();
    inode.atime = from.atime();
    inode.mtime = from.mtime();
    inode.ctime = from.ctime();
    inode.btime = from.btime();
    inode.symlinkTarget = from.type() == FileType.SYMLINK ? tree.symlinkTarget(slot) : null;
    if (tree.hasXattrs(slot)) {
      inode.xattrs.putAll(tree.xattrs(slot));
    }
    ReadScope scope = new ReadScope.Version(tree.master(), tree.version());
    int blockCount = from.type() == FileType.REGULAR ? tree.blockCount(slot) : 0;
    for (int block = 0; block < blockCount; block++) {
      BlockId id = tree.block(slot, block);
      if (id != null) {
        long at = (long) block * BlockId.BLOCK_BYTES;
        int length = (int) Math.min(BlockId.BLOCK_BYTES, from.sizeBytes() - at);
        ByteBuffer content = ByteBuffer.allocate(length);
        blocks.read(null, scope, id, 0, content);
        put(inode, at, content.flip());
      }
    }
    inodes.put(inode.ino, inode);
    return inode;
  }

  // ---- names ----

  @Override
  public synchronized Attributes lookup(RequestContext context, long parent, Name name)
      throws FsException {
    if (name.toString().equals(".")) {
      return looked(inode(parent));
    }
    Inode directory = directory(parent);
    Inode child = name.toString().equals("..") ? directory.parent : directory.children.get(name);
    return child == null ? null : looked(child);
  }

  @Override
  public synchronized void forget(long node, long count) {
    Inode inode = inodes.get(NodeId.ino(node));
    if (inode != null) {
      inode.lookups = Math.max(0, inode.lookups - count);
      dropIfUnused(inode);
    }
  }

  @Override
  public synchronized Attributes mknod(
      RequestContext context, long parent, Name name, int mode, int rdev) throws FsException {
    FileType type = FileType.ofMode(mode);
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EPERM, "mknod of a directory");
    }
    if (type == null || type == FileType.SYMLINK) {
      throw new FsException(Errno.EINVAL, "mknod of this type");
    }
    Inode directory = directoryForNew(parent, name);
    Inode inode = born(context, directory, type, mode & 07777);
    boolean device = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
    inode.rdev = device ? rdev : 0;
    attach(directory, name, inode);
    return looked(inode);
  }

  @Override
  public synchronized Attributes mkdir(
      RequestContext context, long parent, Name name, int permissions) throws FsException {
    Inode directory = directoryForNew(parent, name);
    Inode inode = born(context, directory, FileType.DIRECTORY, permissions & 07777);
    attach(directory, name, inode);
    return looked(inode);
  }

  @Override
  public synchronized Attributes symlink(
      RequestContext context, long parent, Name name, byte[] target) throws FsException {
    if (target.length == 0) {
      throw new FsException(Errno.ENOENT, "empty symlink target");
    }
    if (target.length > MAX_SYMLINK_BYTES) {
      throw new FsException(Errno.ENAMETOOLONG, "symlink target");
    }
    Inode directory = directoryForNew(parent, name);
    Inode inode = born(context, directory, FileType.SYMLINK, 0777);
    inode.symlinkTarget = target.clone();
    inode.sizeBytes = target.length;
    attach(directory, name, inode);
    return looked(inode);
  }

  @Override
  public synchronized Opened create(
      RequestContext context, long parent, Name name, int permissions, int flags)
      throws FsException {
    Inode existing = directory(parent).children.get(name);
    if (existing != null && (flags & O_EXCL) == 0) {
      long handle = open(context, existing.ino, flags);
      return new Opened(looked(existing), handle);
    }
    Inode directory = directoryForNew(parent, name);
    Inode inode = born(context, directory, FileType.REGULAR, permissions & 07777);
    attach(directory, name, inode);
    return new Opened(looked(inode), handleOn(inode));
  }

  @Override
  public synchronized Opened tmpfile(
      RequestContext context, long parent, int permissions, int flags) throws FsException {
    Inode directory = directory(parent);
    requireAlive(directory);
    Inode inode = born(context, directory, FileType.REGULAR, permissions & 07777);
    inode.linkable = (flags & O_EXCL) == 0;
    return new Opened(looked(inode), handleOn(inode));
  }

  @Override
  public synchronized Attributes link(
      RequestContext context, long node, long newParent, Name newName) throws FsException {
    Inode inode = inode(node);
    if (inode.type == FileType.DIRECTORY) {
      throw new FsException(Errno.EPERM, "link of a directory");
    }
    Inode directory = directoryForNew(newParent, newName);
    if (inode.nlink == 0 && !inode.linkable) {
      throw new FsException(Errno.ENOENT, "link of a deleted file");
    }
    inode.linkable = false;
    attach(directory, newName, inode);
    inode.ctime = clock.now();
    return looked(inode);
  }

  @Override
  public synchronized void unlink(RequestContext context, long parent, Name name)
      throws FsException {
    Inode directory = directory(parent);
    Inode inode = existing(directory, name);
    if (inode.type == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "unlink of a directory");
    }
    detach(directory, name);
    dropIfUnused(inode);
  }

  @Override
  public synchronized void rmdir(RequestContext context, long parent, Name name)
      throws FsException {
    Inode directory = directory(parent);
    Inode inode = existing(directory, name);
    if (inode.type != FileType.DIRECTORY) {
      throw new FsException(Errno.ENOTDIR, "rmdir of a file");
    }
    requireEmpty(inode);
    detach(directory, name);
    dropIfUnused(inode);
  }

  @Override
  public synchronized void rename(
      RequestContext context, long parent, Name name, long newParent, Name newName, int flags)
      throws FsException {
    boolean noReplace = (flags & RENAME_NOREPLACE) != 0;
    boolean exchange = (flags & RENAME_EXCHANGE) != 0;
    boolean whiteout = (flags & RENAME_WHITEOUT) != 0;
    int known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
    if ((flags & ~known) != 0 || (exchange && (noReplace || whiteout))) {
      throw new FsException(Errno.EINVAL, "rename flags " + flags);
    }
    Inode from = directory(parent);
    Inode to = directory(newParent);
    Inode inode = existing(from, name);
    requireValid(newName);
    Inode target = to.children.get(newName);
    if (noReplace && target != null) {
      throw new FsException(Errno.EEXIST, "rename target exists");
    }
    if (exchange && target == null) {
      throw new FsException(Errno.ENOENT, "nothing to exchange with");
    }
    if (isWithin(to, inode)) {
      throw new FsException(Errno.EINVAL, "rename into itself");
    }
    if (target != null && isWithin(from, target)) {
      throw new FsException(exchange ? Errno.EINVAL : Errno.ENOTEMPTY, "rename onto an ancestor");
    }
    if (target == inode) {
      return;
    }
    requireAlive(to);
    if (exchange) {
      detach(from, name);
      detach(to, newName);
      attach(to, newName, inode);
      attach(from, name, target);
      return;
    }
    if (target != null) {
      boolean isDirectory = inode.type == FileType.DIRECTORY;
      boolean targetIsDirectory = target.type == FileType.DIRECTORY;
      if (isDirectory && !targetIsDirectory) {
        throw new FsException(Errno.ENOTDIR, "rename of a directory onto a file");
      }
      if (!isDirectory && targetIsDirectory) {
        throw new FsException(Errno.EISDIR, "rename of a file onto a directory");
      }
      if (targetIsDirectory) {
        requireEmpty(target);
      }
      detach(to, newName);
      dropIfUnused(target);
    }
    detach(from, name);
    attach(to, newName, inode);
    inode.ctime = clock.now();
    if (whiteout) {
      Inode device = born(context, from, FileType.CHARACTER_DEVICE, 0);
      attach(from, name, device);
    }
  }

  // ---- attributes ----

  @Override
  public synchronized Attributes getattr(RequestContext context, long node) throws FsException {
    return attributes(inode(node));
  }

  @Override
  public synchronized Attributes setattr(RequestContext context, long node, AttributeChange change)
      throws FsException {
    Inode inode = inode(node);
    boolean isDirectory = inode.type == FileType.DIRECTORY;
    if (change.permissions() != null && inode.type == FileType.SYMLINK) {
      throw new FsException(Errno.EOPNOTSUPP, "chmod of a symlink");
    }
    if (change.sizeBytes() != null) {
      if (isDirectory) {
        throw new FsException(Errno.EISDIR, "truncate of a directory");
      }
      if (inode.type != FileType.REGULAR || change.sizeBytes() < 0) {
        throw new FsException(Errno.EINVAL, "truncate");
      }
      if (change.sizeBytes() > MAX_FILE_BYTES) {
        throw new FsException(Errno.EFBIG, "truncate");
      }
      resize(inode, change.sizeBytes());
      inode.mtime = clock.now();
    }
    boolean chown = change.uid() != null || change.gid() != null;
    if (change.clearSetid() || (chown && !isDirectory)) {
      clearSetid(inode);
    }
    if (change.uid() != null) {
      inode.uid = change.uid();
    }
    if (change.gid() != null) {
      inode.gid = change.gid();
    }
    if (change.permissions() != null) {
      inode.permissions = change.permissions() & 07777;
      byte[] acl = inode.xattrs.get(PosixAcl.ACCESS);
      if (acl != null) {
        PosixAcl changed = PosixAcl.parse(acl).withPermissionBits(inode.permissions);
        inode.xattrs.put(PosixAcl.ACCESS, changed.toBytes());
      }
    }
    if (change.atime() != null) {
      inode.atime = change.atime();
    }
    if (change.mtime() != null) {
      inode.mtime = change.mtime();
    }
    inode.ctime = change.ctime() != null ? change.ctime() : clock.now();
    return attributes(inode);
  }

  @Override
  public synchronized byte[] readlink(RequestContext context, long node) throws FsException {
    Inode inode = inode(node);
    if (inode.type != FileType.SYMLINK) {
      throw new FsException(Errno.EINVAL, "readlink of another type");
    }
    return inode.symlinkTarget.clone();
  }

  // ---- xattrs ----

  @Override
  public synchronized byte[] getxattr(RequestContext context, long node, Name name)
      throws FsException {
    Inode inode = inode(node);
    requireNamespace(name);
    byte[] value = inode.xattrs.get(name);
    return value == null ? null : value.clone();
  }

  @Override
  public synchronized void setxattr(
      RequestContext context, long node, Name name, byte[] value, int flags, boolean clearSetgid)
      throws FsException {
    Inode inode = inode(node);
    requireNamespace(name);
    if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) {
      throw new FsException(Errno.EINVAL, "setxattr flags " + flags);
    }
    if (value.length > MAX_XATTR_VALUE_BYTES) {
      throw new FsException(Errno.E2BIG, "xattr value");
    }
    if (name.equals(PosixAcl.ACCESS) || name.equals(PosixAcl.DEFAULT)) {
      setAcl(inode, name, value, clearSetgid);
      inode.ctime = clock.now();
      return;
    }
    requireUserNamespaceAllowed(inode, name);
    byte[] old = inode.xattrs.get(name);
    if (old != null && (flags & XATTR_CREATE) != 0) {
      throw new FsException(Errno.EEXIST, "xattr exists");
    }
    if (old == null && (flags & XATTR_REPLACE) != 0) {
      throw new FsException(Errno.ENODATA, "no such xattr");
    }
    int bytes = 3 + 1 + name.length() + 4 + value.length;
    for (Map.Entry<Name, byte[]> other : inode.xattrs.entrySet()) {
      if (!other.getKey().equals(name)) {
        bytes += 1 + other.getKey().length() + 4 + other.getValue().length;
      }
    }
    if (bytes > MAX_XATTRS_BYTES) {
      throw new FsException(Errno.ENOSPC, "xattrs of one inode");
    }
    inode.xattrs.put(name, value.clone());
    inode.ctime = clock.now();
  }

  private static void setAcl(Inode inode, Name name, byte[] value, boolean clearSetgid)
      throws FsException {
    if (inode.type == FileType.SYMLINK) {
      throw new FsException(Errno.EOPNOTSUPP, "ACL of a symlink");
    }
    PosixAcl acl = PosixAcl.parse(value);
    if (name.equals(PosixAcl.DEFAULT)) {
      if (inode.type != FileType.DIRECTORY && acl != null) {
        throw new FsException(Errno.EACCES, "default ACL of a file");
      }
      put(inode, name, acl);
      return;
    }
    if (acl != null) {
      inode.permissions = (inode.permissions & ~0777) | acl.permissionBits();
      if (clearSetgid) {
        inode.permissions &= ~SETGID;
      }
    }
    put(inode, name, acl == null || acl.isEquivalentToMode() ? null : acl);
  }

  private static void put(Inode inode, Name name, PosixAcl acl) {
    if (acl == null) {
      inode.xattrs.remove(name);
    } else {
      inode.xattrs.put(name, acl.toBytes());
    }
  }

  @Override
  public synchronized byte[] listxattr(RequestContext context, long node) throws FsException {
    ByteArrayOutputStream names = new ByteArrayOutputStream();
    for (Name name : inode(node).xattrs.keySet()) {
      names.writeBytes(name.toBytes());
      names.write(0);
    }
    return names.toByteArray();
  }

  @Override
  public synchronized void removexattr(RequestContext context, long node, Name name)
      throws FsException {
    Inode inode = inode(node);
    requireNamespace(name);
    boolean isAcl = name.equals(PosixAcl.ACCESS) || name.equals(PosixAcl.DEFAULT);
    if (!isAcl) {
      requireUserNamespaceAllowed(inode, name);
    }
    if (inode.xattrs.remove(name) == null && !isAcl) {
      throw new FsException(Errno.ENODATA, "no such xattr");
    }
    inode.ctime = clock.now();
  }

  private static void requireNamespace(Name name) throws FsException {
    String text = name.toString();
    boolean known =
        text.startsWith("user.")
            || text.startsWith("trusted.")
            || text.startsWith("security.")
            || name.equals(PosixAcl.ACCESS)
            || name.equals(PosixAcl.DEFAULT);
    if (!known) {
      throw new FsException(Errno.EOPNOTSUPP, "xattr namespace of " + text);
    }
  }

  private static void requireUserNamespaceAllowed(Inode inode, Name name) throws FsException {
    boolean allowed = inode.type == FileType.REGULAR || inode.type == FileType.DIRECTORY;
    if (!allowed && name.toString().startsWith("user.")) {
      throw new FsException(Errno.EPERM, "user xattr of this type");
    }
  }

  // ---- content ----

  @Override
  public synchronized long open(RequestContext context, long node, int flags) throws FsException {
    Inode inode = inode(node);
    switch (inode.type) {
      case DIRECTORY -> throw new FsException(Errno.EISDIR, "open of a directory");
      case SYMLINK -> throw new FsException(Errno.ELOOP, "open of a symlink");
      case REGULAR -> {}
      default -> throw new FsException(Errno.ENXIO, "open of a special file");
    }
    if ((flags & O_TRUNC) != 0) {
      resize(inode, 0);
      inode.mtime = clock.now();
      inode.ctime = inode.mtime;
    }
    return handleOn(inode);
  }

  @Override
  public synchronized int read(
      RequestContext context, long node, long handle, long offsetBytes, ByteBuffer target)
      throws FsException {
    Inode inode = regular(node, handle);
    if (offsetBytes < 0) {
      throw new FsException(Errno.EINVAL, "read before the start");
    }
    int count = (int) Math.min(target.remaining(), Math.max(0, inode.sizeBytes - offsetBytes));
    for (int done = 0; done < count; ) {
      long at = offsetBytes + done;
      int within = (int) (at % PAGE_BYTES);
      int length = Math.min(count - done, PAGE_BYTES - within);
      byte[] page = inode.pages.get(at / PAGE_BYTES);
      target.put(page == null ? new byte[PAGE_BYTES] : page, within, length);
      done += length;
    }
    return count;
  }

  @Override
  public synchronized int write(
      RequestContext context,
      long node,
      long handle,
      long offsetBytes,
      ByteBuffer source,
      boolean clearSetid)
      throws FsException {
    Inode inode = regular(node, handle);
    int count = source.remaining();
    if (offsetBytes < 0) {
      throw new FsException(Errno.EINVAL, "write before the start");
    }
    if (count == 0) {
      return 0;
    }
    if (offsetBytes > MAX_FILE_BYTES - count) {
      throw new FsException(Errno.EFBIG, "write");
    }
    put(inode, offsetBytes, source);
    if (clearSetid) {
      clearSetid(inode);
    }
    if (!context.keepsTimes()) {
      inode.mtime = clock.now();
      inode.ctime = inode.mtime;
    }
    return count;
  }

  private static void put(Inode inode, long offsetBytes, ByteBuffer source) {
    int count = source.remaining();
    for (int done = 0; done < count; ) {
      long at = offsetBytes + done;
      int within = (int) (at % PAGE_BYTES);
      int length = Math.min(count - done, PAGE_BYTES - within);
      byte[] page = inode.pages.computeIfAbsent(at / PAGE_BYTES, p -> new byte[PAGE_BYTES]);
      source.get(page, within, length);
      done += length;
    }
    inode.sizeBytes = Math.max(inode.sizeBytes, offsetBytes + count);
  }

  @Override
  public synchronized void release(RequestContext context, long node, long handle) {
    Inode inode = handles.remove(handle);
    if (inode != null) {
      inode.opens--;
      dropIfUnused(inode);
    }
  }

  @Override
  public synchronized void fsync(RequestContext context, long node, long handle, boolean dataOnly)
      throws FsException {
    inode(node);
  }

  @Override
  public synchronized void fallocate(
      RequestContext context, long node, long handle, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    Inode inode = inode(node);
    if (offsetBytes < 0 || lengthBytes <= 0) {
      throw new FsException(Errno.EINVAL, "fallocate range");
    }
    boolean keepSize = (mode & FALLOC_KEEP_SIZE) != 0;
    boolean punch = (mode & FALLOC_PUNCH_HOLE) != 0;
    boolean zero = (mode & FALLOC_ZERO_RANGE) != 0;
    int known = FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE;
    if ((mode & ~known) != 0 || (punch && (zero || !keepSize))) {
      throw new FsException(Errno.EOPNOTSUPP, "fallocate mode " + mode);
    }
    if (inode.type != FileType.REGULAR) {
      throw new FsException(Errno.ENODEV, "fallocate of another type");
    }
    if (offsetBytes > MAX_FILE_BYTES - lengthBytes) {
      throw new FsException(Errno.EFBIG, "fallocate");
    }
    regular(node, handle);
    long end = offsetBytes + lengthBytes;
    if (punch || zero) {
      zero(inode, offsetBytes, Math.min(end, inode.sizeBytes));
    }
    if (!keepSize && end > inode.sizeBytes) {
      inode.sizeBytes = end;
    }
    if (context.uid() != 0) {
      clearSetid(inode);
    }
    inode.mtime = clock.now();
    inode.ctime = inode.mtime;
  }

  /** Everything counts as data, which lseek(2) allows. */
  @Override
  public synchronized long lseek(
      RequestContext context, long node, long handle, long offsetBytes, int whence)
      throws FsException {
    Inode inode = regular(node, handle);
    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
      throw new FsException(Errno.EINVAL, "lseek whence " + whence);
    }
    if (offsetBytes < 0 || offsetBytes >= inode.sizeBytes) {
      throw new FsException(Errno.ENXIO, "lseek past the end");
    }
    return whence == SEEK_DATA ? offsetBytes : inode.sizeBytes;
  }

  @Override
  public synchronized long copyFileRange(
      RequestContext context,
      long sourceNode,
      long sourceHandle,
      long sourceOffsetBytes,
      long targetNode,
      long targetHandle,
      long targetOffsetBytes,
      long lengthBytes)
      throws FsException {
    Inode source = regular(sourceNode, sourceHandle);
    Inode target = regular(targetNode, targetHandle);
    if (sourceOffsetBytes < 0 || targetOffsetBytes < 0 || lengthBytes < 0) {
      throw new FsException(Errno.EINVAL, "copy range");
    }
    long length =
        Math.min(Math.min(lengthBytes, 1 << 20), Math.max(0, source.sizeBytes - sourceOffsetBytes));
    if (length == 0) {
      return 0;
    }
    if (targetOffsetBytes > MAX_FILE_BYTES - length) {
      throw new FsException(Errno.EFBIG, "copy");
    }
    boolean overlap =
        sourceOffsetBytes < targetOffsetBytes + length
            && targetOffsetBytes < sourceOffsetBytes + length;
    if (source == target && overlap) {
      throw new FsException(Errno.EINVAL, "copy onto itself");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) length);
    read(context, sourceNode, sourceHandle, sourceOffsetBytes, buffer);
    return write(
        context,
        targetNode,
        targetHandle,
        targetOffsetBytes,
        buffer.flip(),
        /* clearSetid= */ context.uid() != 0);
  }

  // ---- directories ----

  @Override
  public synchronized long opendir(RequestContext context, long node) throws FsException {
    return handleOn(directory(node));
  }

  @Override
  public synchronized void readdir(
      RequestContext context,
      long node,
      long handle,
      long cookie,
      boolean withAttributes,
      DirectorySink sink)
      throws FsException {
    Inode directory = directory(node);
    if (cookie < 1 && !sink.accept(new byte[] {'.'}, directory.ino, directory.type, 1, null)) {
      return;
    }
    Inode parent = directory.parent;
    if (cookie < 2 && !sink.accept(new byte[] {'.', '.'}, parent.ino, parent.type, 2, null)) {
      return;
    }
    TreeMap<Long, Name> order = new TreeMap<>();
    directory.cookies.forEach((name, at) -> order.put(at, name));
    for (Map.Entry<Long, Name> entry : order.tailMap(cookie, false).entrySet()) {
      Inode child = directory.children.get(entry.getValue());
      Attributes attributes = withAttributes ? attributes(child) : null;
      byte[] name = entry.getValue().toBytes();
      if (!sink.accept(name, child.ino, child.type, entry.getKey(), attributes)) {
        return;
      }
      if (withAttributes) {
        child.lookups++;
      }
    }
  }

  @Override
  public synchronized void releasedir(RequestContext context, long node, long handle) {
    release(context, node, handle);
  }

  @Override
  public synchronized void fsyncdir(
      RequestContext context, long node, long handle, boolean dataOnly) throws FsException {
    directory(node);
  }

  @Override
  public synchronized FileSystemStatistics statfs(RequestContext context) {
    return new FileSystemStatistics(4096, 1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19);
  }

  // ---- for tests ----

  /** Number of inodes in memory, orphans included. */
  public synchronized int inodeCount() {
    return inodes.size();
  }

  /** Whether the inode is in memory. */
  public synchronized boolean hasInode(long ino) {
    return inodes.containsKey(ino);
  }

  // ---- parts ----

  private Inode inode(long node) throws FsException {
    Inode inode = inodes.get(NodeId.ino(node));
    if (inode == null) {
      throw new FsException(Errno.ESTALE, "no such inode");
    }
    return inode;
  }

  private Inode directory(long node) throws FsException {
    Inode inode = inode(node);
    if (inode.type != FileType.DIRECTORY) {
      throw new FsException(Errno.ENOTDIR, "not a directory");
    }
    return inode;
  }

  private Inode regular(long node, long handle) throws FsException {
    Inode inode = inode(node);
    if (inode.type == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "a directory");
    }
    if (inode.type != FileType.REGULAR) {
      throw new FsException(Errno.EINVAL, "not a regular file");
    }
    if (handle != NO_HANDLE && handles.get(handle) != inode) {
      throw new FsException(Errno.EBADF, "no such handle");
    }
    return inode;
  }

  private Inode directoryForNew(long parent, Name name) throws FsException {
    Inode directory = directory(parent);
    requireValid(name);
    if (directory.children.containsKey(name)) {
      throw new FsException(Errno.EEXIST, "name exists");
    }
    requireAlive(directory);
    return directory;
  }

  private static void requireValid(Name name) throws FsException {
    if (!name.isValidEntry()) {
      throw new FsException(Errno.EINVAL, "not an entry's name");
    }
  }

  private static void requireAlive(Inode directory) throws FsException {
    if (directory.nlink == 0) {
      throw new FsException(Errno.ENOENT, "the directory was removed");
    }
  }

  private static void requireEmpty(Inode directory) throws FsException {
    if (!directory.children.isEmpty()) {
      throw new FsException(Errno.ENOTEMPTY, "directory not empty");
    }
  }

  private static Inode existing(Inode directory, Name name) throws FsException {
    requireValid(name);
    Inode inode = directory.children.get(name);
    if (inode == null) {
      throw new FsException(Errno.ENOENT, "no such name");
    }
    return inode;
  }

  private static boolean isWithin(Inode directory, Inode ancestor) {
    for (Inode at = directory; ; at = at.parent) {
      if (at == ancestor) {
        return true;
      }
      if (at.ino == NodeId.ROOT || at.parent == null) {
        return false;
      }
    }
  }

  private Attributes looked(Inode inode) {
    inode.lookups++;
    return attributes(inode);
  }

  private static Attributes attributes(Inode inode) {
    return new Attributes(
        inode.ino,
        inode.type,
        inode.permissions,
        inode.uid,
        inode.gid,
        inode.nlink,
        inode.rdev,
        inode.sizeBytes,
        (long) inode.pages.size() * PAGE_BYTES,
        inode.atime,
        inode.mtime,
        inode.ctime,
        inode.btime);
  }

  private long handleOn(Inode inode) {
    inode.opens++;
    handles.put(nextHandle, inode);
    return nextHandle++;
  }

  /** inode_init_owner, posix_acl_create and the umask. */
  private Inode born(RequestContext context, Inode directory, FileType type, int permissions)
      throws FsException {
    Inode inode = new Inode(nextIno++, type);
    inode.uid = context.uid();
    inode.gid = context.gid();
    inode.permissions = permissions;
    if ((directory.permissions & SETGID) != 0) {
      inode.gid = directory.gid;
      if (type == FileType.DIRECTORY) {
        inode.permissions |= SETGID;
      }
    }
    if (type != FileType.SYMLINK) {
      byte[] defaultAcl = directory.xattrs.get(PosixAcl.DEFAULT);
      if (defaultAcl == null) {
        inode.permissions &= ~context.umask();
      } else {
        PosixAcl.Inherited inherited = PosixAcl.parse(defaultAcl).inherit(inode.permissions);
        inode.permissions = inherited.permissions();
        put(inode, PosixAcl.ACCESS, inherited.access());
        if (type == FileType.DIRECTORY) {
          inode.xattrs.put(PosixAcl.DEFAULT, defaultAcl);
        }
      }
    }
    FileTime now = clock.now();
    inode.atime = now;
    inode.mtime = now;
    inode.ctime = now;
    inode.btime = now;
    inodes.put(inode.ino, inode);
    return inode;
  }

  private void attach(Inode directory, Name name, Inode inode) {
    directory.children.put(name, inode);
    directory.cookies.put(name, directory.nextCookie++);
    if (inode.type == FileType.DIRECTORY) {
      inode.parent = directory;
      inode.nlink = inode.nlink == 0 ? 2 : inode.nlink;
      directory.nlink++;
    } else {
      inode.nlink++;
    }
    touched(directory);
  }

  private void detach(Inode directory, Name name) {
    Inode inode = directory.children.remove(name);
    directory.cookies.remove(name);
    if (inode.type == FileType.DIRECTORY) {
      directory.nlink--;
      if (inode.children.isEmpty()) {
        inode.nlink = 0;
      }
    } else {
      inode.nlink--;
    }
    inode.ctime = clock.now();
    touched(directory);
  }

  private void touched(Inode directory) {
    directory.mtime = clock.now();
    directory.ctime = directory.mtime;
  }

  private void dropIfUnused(Inode inode) {
    if (inode.nlink == 0 && inode.lookups == 0 && inode.opens == 0) {
      inodes.remove(inode.ino);
    }
  }

  private static void clearSetid(Inode inode) {
    if (inode.type == FileType.DIRECTORY) {
      return;
    }
    inode.permissions &= ~SETUID;
    if ((inode.permissions & GROUP_EXECUTE) != 0) {
      inode.permissions &= ~SETGID;
    }
    inode.xattrs.remove(CAPABILITY);
  }

  private static void resize(Inode inode, long sizeBytes) {
    if (sizeBytes < inode.sizeBytes) {
      zero(inode, sizeBytes, inode.sizeBytes);
      inode.pages.tailMap((sizeBytes + PAGE_BYTES - 1) / PAGE_BYTES, true).clear();
    }
    inode.sizeBytes = sizeBytes;
  }

  private static void zero(Inode inode, long from, long to) {
    if (from >= to) {
      return;
    }
    long firstWhole = (from + PAGE_BYTES - 1) / PAGE_BYTES;
    inode.pages.subMap(firstWhole, true, Math.max(firstWhole, to / PAGE_BYTES), false).clear();
    for (long page : new long[] {from / PAGE_BYTES, to / PAGE_BYTES}) {
      byte[] bytes = inode.pages.get(page);
      if (bytes != null) {
        long start = Math.max(from - page * PAGE_BYTES, 0);
        long end = Math.min(to - page * PAGE_BYTES, PAGE_BYTES);
        if (start < end) {
          Arrays.fill(bytes, (int) start, (int) end, (byte) 0);
        }
      }
    }
  }
}
