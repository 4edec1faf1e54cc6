package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.DirectorySink;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.PosixAcl;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.overlay.OpenBatch.Cut;
import io.mapfs.core.overlay.OverlayTree.Child;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.tree.RepositoryTree;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's root: a version of its master with the node's overlay on top.
 *
 * <p>Operations change the heap; the open batch is sealed into records by {@link SealPipeline}.
 * Handles hold no state: they are the inode number and whether the open was for writing. Locks: see
 * the package.
 */
public final class OverlayFileSystem implements FileSystemOperations, Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayFileSystem.class);

  private static final int SETUID = 04000;
  private static final int SETGID = 02000;
  private static final int GROUP_EXECUTE = 010;

  /** Most links of one inode (as XFS has it). */
  private static final int LINKS_MAX = Integer.MAX_VALUE;

  /** Bit of a handle: opened for writing. */
  private static final long WRITER = 1L << 48;

  private static final long COPY_BYTES_MAX = 1 << 20;

  /** Cookies: 1 and 2 for the dots, then base entries by index, then own names by their cookie. */
  private static final long BASE_COOKIE = 3;

  private static final long OWN_COOKIE = 1L << 40;

  /** relatime: an access time is renewed when it is this old, whatever the other times. */
  private static final long ATIME_AGE_SECONDS = 24 * 60 * 60;

  private final OverlayConfig config;
  private final OverlayState state;
  private final OverlayTree tree;
  private final FileContent content;
  private final SealPipeline pipeline;
  private final FileClock clock;

  private OverlayFileSystem(
      OverlayConfig config,
      OverlayState state,
      Versions versions,
      BlockReader reader,
      ReadListener listener,
      JournalShipper shipper,
      FileClock clock) {
    OverlayPosition position = state.position();
    this.config = config;
    this.state = state;
    this.clock = clock;
    this.tree =
        new OverlayTree(
            versions.current(), state.index(), state.pageLog(), position, config.cachedInodesMax());
    this.content =
        new FileContent(
            this,
            tree,
            state.pageLog(),
            versions,
            reader,
            listener,
            new ReadScope.Overlay(position.node()),
            clock,
            config.quotaBytes());
    this.pipeline = new SealPipeline(state, config, shipper, this::cutIfOlderThan);
  }

  /**
   * Mounts a local copy on which {@link OverlayState#beginMount} was called. Takes it over: {@link
   * #close} closes it.
   *
   * @param versions whose current version is the one that the copy stands on
   * @throws IOException if the copy cannot be read
   */
  public static OverlayFileSystem mount(
      OverlayConfig config,
      OverlayState state,
      Versions versions,
      BlockReader reader,
      ReadListener listener,
      JournalShipper shipper,
      FileClock clock)
      throws IOException {
    OverlayPosition position = state.position();
    RepositoryTree base = versions.current();
    if (!base.master().equals(position.master()) || base.version() != position.version()) {
      throw new IllegalArgumentException(
          "the local copy stands on "
              + position.master()
              + " version "
              + position.version()
              + ", not on version "
              + base.version());
    }
    OverlayFileSystem fileSystem =
        new OverlayFileSystem(config, state, versions, reader, listener, shipper, clock);
    fileSystem.tree.scan();
    state.pageLog().acknowledged(-1);
    try {
      fileSystem.tree.sweepOrphans();
    } catch (FsException e) {
      throw new IOException("orphans cannot be swept: " + e.getMessage(), e);
    }
    fileSystem.pipeline.start();
    return fileSystem;
  }

  // ---- batches ----

  /** Cuts the open batch and hands it to the pipeline. Takes the tree lock exclusively. */
  void cut() {
    tree.lock.writeLock().lock();
    try {
      cutLocked();
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void cutLocked() {
    Cut cut = tree.cut();
    if (cut != null && (!cut.changes().isEmpty() || !cut.writes().isEmpty())) {
      pipeline.submit(cut);
    }
    tree.evict(pipeline.sealedBatch());
  }

  private void cutIfOlderThan(long nanos) {
    tree.lock.writeLock().lock();
    try {
      if (tree.batch().ageNanos() >= nanos && !tree.batch().isEmpty()) {
        cutLocked();
      }
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  /** Reserves room in the open batch, or in the next one. Exclusive. */
  void reserveLocked(int changes, int bytes, int pages) {
    if (!tree.reserve(changes, bytes, pages)) {
      cutLocked();
      if (!tree.reserve(changes, bytes, pages)) {
        throw new IllegalStateException("an empty batch has no room");
      }
    }
  }

  void awaitRoom(RequestContext context) throws FsException {
    pipeline.awaitRoom(context);
  }

  /** What fsync promises, of everything that was changed before. */
  private void makeDurable(RequestContext context, Durability durability) throws FsException {
    cut();
    long batch = pipeline.lastSubmittedBatch();
    if (durability == Durability.STRICT) {
      pipeline.awaitAcknowledged(context, batch);
      return;
    }
    pipeline.awaitSealed(context, batch);
    state.pageLog().sync();
    try {
      state.journal().sync();
    } catch (IOException e) {
      throw new FsException(Errno.EIO, "local journal", e);
    }
  }

  /**
   * Seals everything and waits until it is durable at the appliance.
   *
   * @return the last record's sequence
   * @throws FsException EIO after the limit, EINTR
   */
  public long barrier(RequestContext context) throws FsException {
    makeDurable(context, Durability.STRICT);
    return pipeline.acknowledgedSequence();
  }

  public OverlayMetrics metrics() {
    OpenBatch batch;
    tree.lock.readLock().lock();
    try {
      batch = tree.batch();
    } finally {
      tree.lock.readLock().unlock();
    }
    return new OverlayMetrics(
        batch.changeCount(),
        (long) batch.pageCount() * Change.PAGE_BYTES,
        pipeline.position().sequence(),
        pipeline.acknowledgedSequence(),
        pipeline.unacknowledgedPages() * Change.PAGE_BYTES,
        tree.ownedPages.get() * Change.PAGE_BYTES,
        state.pageLog().bytes(),
        tree.cachedInodes(),
        tree.lookups.size(),
        pipeline.failure());
  }

  /**
   * Ends the mount: drops unnamed files, hands everything over, closes the local copy. What the
   * appliance could not be given stays in the local journal, and the next {@link OverlayState#open}
   * finds it there.
   *
   * @throws IOException if not everything was handed over, or the copy could not be closed
   */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    try {
      tree.lock.writeLock().lock();
      try {
        for (long ino : tree.orphanInos()) {
          reserveLocked(2, 0, 0);
          tree.drop(tree.own(ino));
        }
      } finally {
        tree.lock.writeLock().unlock();
      }
      barrier(NoContext.INSTANCE);
    } catch (FsException e) {
      failure = new IOException("not everything reached the appliance: " + e.getMessage(), e);
    }
    pipeline.stop();
    try {
      if (failure == null) {
        state.endMount(pipeline.position());
      }
    } finally {
      state.close();
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Seals everything into the local journal, which survives the daemon's death; for tests. */
  void sealNow() throws FsException {
    cut();
    pipeline.awaitSealed(NoContext.INSTANCE, pipeline.lastSubmittedBatch());
  }

  /** Stops without handing anything over, as a crash does; for tests. */
  void crash() throws IOException {
    pipeline.stop();
    state.close();
  }

  // ---- names ----

  @Override
  public Attributes lookup(RequestContext context, long parent, Name name) throws FsException {
    long directory = NodeId.ino(parent);
    tree.lock.readLock().lock();
    try {
      requireDirectory(directory);
      long ino;
      if (isDot(name)) {
        ino = name.length() == 1 ? directory : tree.parent(directory);
      } else if (isDead(directory)) {
        return null;
      } else {
        Child child = tree.lookup(directory, name);
        if (child == null) {
          return null;
        }
        ino = child.ino();
      }
      return looked(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public void forget(long node, long count) {
    long ino = NodeId.ino(node);
    if (ino == NodeId.ROOT) {
      return;
    }
    if (tree.lookups.subtract(ino, count)) {
      dropIfUnused(ino);
    }
  }

  /** Drops an inode that has lost its name and its last user. */
  private void dropIfUnused(long ino) {
    tree.lock.readLock().lock();
    try {
      if (!tree.isOrphan(ino)) {
        return;
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    tree.lock.writeLock().lock();
    try {
      dropIfUnusedLocked(ino);
    } catch (FsException e) {
      // It stays an orphan, and the next mount sweeps it.
      LOG.warn("orphan {} cannot be dropped now: {}", ino, e.getMessage());
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void dropIfUnusedLocked(long ino) throws FsException {
    if (tree.isUnused(ino)) {
      reserveLocked(2, 0, 0);
      OverlayInode inode = tree.own(ino);
      if (inode != null) {
        tree.drop(inode);
      }
    }
  }

  @Override
  public Attributes mknod(RequestContext context, long parent, Name name, int mode, int rdev)
      throws FsException {
    FileType type = FileType.ofMode(mode);
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EPERM, "mknod of a directory");
    }
    if (type == null || type == FileType.SYMLINK) {
      throw new FsException(Errno.EINVAL, "mknod of this type");
    }
    boolean device = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
    return make(context, parent, name, type, mode & 07777, device ? rdev : 0, null);
  }

  @Override
  public Attributes mkdir(RequestContext context, long parent, Name name, int permissions)
      throws FsException {
    return make(context, parent, name, FileType.DIRECTORY, permissions & 07777, 0, null);
  }

  @Override
  public Attributes symlink(RequestContext context, long parent, Name name, byte[] target)
      throws FsException {
    if (target.length == 0) {
      throw new FsException(Errno.ENOENT, "empty symlink target");
    }
    if (target.length > RecordLimits.MAX_SYMLINK_BYTES) {
      throw new FsException(Errno.ENAMETOOLONG, "symlink target");
    }
    return make(context, parent, name, FileType.SYMLINK, 0777, 0, target.clone());
  }

  private Attributes make(
      RequestContext context,
      long parent,
      Name name,
      FileType type,
      int permissions,
      int rdev,
      byte[] target)
      throws FsException {
    pipeline.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      requireFree(directory, name);
      OverlayInode inode = bornLocked(context, directory, type, permissions, target);
      inode.rdev = rdev;
      attachLocked(directory, name, inode);
      return looked(inode.ino);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  @Override
  public Opened create(RequestContext context, long parent, Name name, int permissions, int flags)
      throws FsException {
    pipeline.awaitRoom(context);
    long directory = NodeId.ino(parent);
    long existing;
    tree.lock.writeLock().lock();
    try {
      requireDirectory(directory);
      Child child = isDead(directory) || isDot(name) ? null : tree.lookup(directory, name);
      if (child == null || (flags & OpenFlags.O_EXCL) != 0) {
        requireFree(directory, name);
        OverlayInode inode =
            bornLocked(context, directory, FileType.REGULAR, permissions & 07777, null);
        attachLocked(directory, name, inode);
        long handle = handleOn(inode.ino, flags);
        return new Opened(looked(inode.ino), handle);
      }
      existing = child.ino();
    } finally {
      tree.lock.writeLock().unlock();
    }
    long handle = open(context, existing, flags);
    tree.lock.readLock().lock();
    try {
      return new Opened(looked(existing), handle);
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public Opened tmpfile(RequestContext context, long parent, int permissions, int flags)
      throws FsException {
    pipeline.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      requireDirectory(directory);
      requireAlive(directory);
      OverlayInode inode =
          bornLocked(context, directory, FileType.REGULAR, permissions & 07777, null);
      inode.linkable = (flags & OpenFlags.O_EXCL) == 0;
      long handle = handleOn(inode.ino, flags);
      return new Opened(looked(inode.ino), handle);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  @Override
  public Attributes link(RequestContext context, long node, long newParent, Name newName)
      throws FsException {
    pipeline.awaitRoom(context);
    long ino = NodeId.ino(node);
    long directory = NodeId.ino(newParent);
    tree.lock.writeLock().lock();
    try {
      if (tree.type(ino) == FileType.DIRECTORY) {
        throw new FsException(Errno.EPERM, "link of a directory");
      }
      requireFree(directory, newName);
      int nlink = tree.nlink(ino);
      OverlayInode own = tree.own(ino);
      if (nlink == 0 && (own == null || !own.linkable)) {
        throw new FsException(Errno.ENOENT, "link of a deleted file");
      }
      if (nlink >= LINKS_MAX) {
        throw new FsException(Errno.EMLINK, "link");
      }
      reserveLocked(4, 0, 0);
      OverlayInode inode = tree.copyUp(ino);
      inode.linkable = false;
      attachLocked(directory, newName, inode);
      inode.ctime = clock.now();
      return looked(ino);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  @Override
  public void unlink(RequestContext context, long parent, Name name) throws FsException {
    pipeline.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      Child child = requireChild(directory, name);
      if (child.type() == FileType.DIRECTORY) {
        throw new FsException(Errno.EISDIR, "unlink of a directory");
      }
      reserveLocked(4, 0, 0);
      detachLocked(directory, name, child);
      dropIfUnusedLocked(child.ino());
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  @Override
  public void rmdir(RequestContext context, long parent, Name name) throws FsException {
    pipeline.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      Child child = requireChild(directory, name);
      if (child.type() != FileType.DIRECTORY) {
        throw new FsException(Errno.ENOTDIR, "rmdir of a file");
      }
      requireEmpty(child.ino());
      removeDirectoryLocked(directory, name, child);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void removeDirectoryLocked(long directory, Name name, Child child) throws FsException {
    OverlayDirectory rows = tree.rows(child.ino());
    int whiteouts = rows == null ? 0 : rows.rows().size();
    // Rows of a removed directory are of no use; more than a record holds stay, and do no harm.
    boolean clears = whiteouts <= RecordLimits.MAX_CHANGES / 4;
    reserveLocked(4 + (clears ? whiteouts : 0), 0, 0);
    detachLocked(directory, name, child);
    if (clears) {
      tree.clearRows(child.ino());
    }
    dropIfUnusedLocked(child.ino());
  }

  @Override
  public void rename(
      RequestContext context, long parent, Name name, long newParent, Name newName, int flags)
      throws FsException {
    boolean noReplace = (flags & RENAME_NOREPLACE) != 0;
    boolean exchange = (flags & RENAME_EXCHANGE) != 0;
    boolean whiteout = (flags & RENAME_WHITEOUT) != 0;
    int known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
    if ((flags & ~known) != 0 || (exchange && (noReplace || whiteout))) {
      throw new FsException(Errno.EINVAL, "rename flags " + flags);
    }
    pipeline.awaitRoom(context);
    long from = NodeId.ino(parent);
    long to = NodeId.ino(newParent);
    tree.lock.writeLock().lock();
    try {
      requireDirectory(from);
      requireDirectory(to);
      Child child = requireChild(from, name);
      requireValid(newName);
      Child target = isDead(to) ? null : tree.lookup(to, newName);
      if (noReplace && target != null) {
        throw new FsException(Errno.EEXIST, "rename target exists");
      }
      if (exchange && target == null) {
        throw new FsException(Errno.ENOENT, "nothing to exchange with");
      }
      if (child.type() == FileType.DIRECTORY && isWithin(to, child.ino())) {
        throw new FsException(Errno.EINVAL, "rename into itself");
      }
      if (target != null && target.type() == FileType.DIRECTORY && isWithin(from, target.ino())) {
        throw new FsException(exchange ? Errno.EINVAL : Errno.ENOTEMPTY, "rename onto an ancestor");
      }
      if (target != null && target.ino() == child.ino()) {
        return;
      }
      requireAlive(to);
      if (exchange) {
        exchangeLocked(from, name, child, to, newName, target);
      } else {
        moveLocked(context, from, name, child, to, newName, target, whiteout);
      }
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void exchangeLocked(
      long from, Name name, Child child, long to, Name newName, Child target) throws FsException {
    reserveLocked(12, 0, 0);
    OverlayInode one = tree.copyUp(child.ino());
    OverlayInode other = tree.copyUp(target.ino());
    pointLocked(to, newName, one);
    pointLocked(from, name, other);
    moveParentLocked(one, from, to);
    moveParentLocked(other, to, from);
  }

  private void moveLocked(
      RequestContext context,
      long from,
      Name name,
      Child child,
      long to,
      Name newName,
      Child target,
      boolean whiteout)
      throws FsException {
    if (target != null) {
      boolean isDirectory = child.type() == FileType.DIRECTORY;
      boolean targetIsDirectory = target.type() == FileType.DIRECTORY;
      if (isDirectory && !targetIsDirectory) {
        throw new FsException(Errno.ENOTDIR, "rename of a directory onto a file");
      }
      if (!isDirectory && targetIsDirectory) {
        throw new FsException(Errno.EISDIR, "rename of a file onto a directory");
      }
      if (targetIsDirectory) {
        requireEmpty(target.ino());
        removeDirectoryLocked(to, newName, target);
      } else {
        reserveLocked(4, 0, 0);
        detachLocked(to, newName, target);
        dropIfUnusedLocked(target.ino());
      }
    }
    reserveLocked(14, 0, 0);
    OverlayInode inode = tree.copyUp(child.ino());
    tree.setName(from, name, null);
    touchLocked(from);
    pointLocked(to, newName, inode);
    moveParentLocked(inode, from, to);
    if (whiteout) {
      OverlayInode device =
          bornLocked(context, from, FileType.CHARACTER_DEVICE, 0, /* target= */ null);
      device.permissions = 0;
      device.xattrs.clear();
      attachLocked(from, name, device);
    }
  }

  /** Points a name at an inode whose links are counted already. */
  private void pointLocked(long directory, Name name, OverlayInode inode) throws FsException {
    tree.setName(directory, name, inode);
    touchLocked(directory);
    inode.ctime = clock.now();
    tree.changed(inode);
  }

  private void moveParentLocked(OverlayInode inode, long from, long to) throws FsException {
    if (inode.type == FileType.DIRECTORY && from != to) {
      tree.setParent(inode, to);
      tree.addLinks(tree.copyUp(from), -1);
      tree.addLinks(tree.copyUp(to), 1);
    }
  }

  /** inode_init_owner, posix_acl_create and the umask. The inode has no name yet. */
  private OverlayInode bornLocked(
      RequestContext context, long directory, FileType type, int permissions, byte[] target)
      throws FsException {
    byte[] defaultAcl = type == FileType.SYMLINK ? null : tree.xattr(directory, PosixAcl.DEFAULT);
    int aclBytes = defaultAcl == null ? 0 : 2 * (defaultAcl.length + 300);
    reserveLocked(6, aclBytes + (target == null ? 0 : target.length), 0);
    Attributes parent = tree.attributes(directory);
    OverlayInode inode = tree.create(type, clock.now());
    inode.uid = context.uid();
    inode.gid = context.gid();
    inode.permissions = permissions;
    inode.symlinkTarget = target;
    inode.sizeBytes = target == null ? 0 : target.length;
    if ((parent.permissions() & SETGID) != 0) {
      inode.gid = parent.gid();
      if (type == FileType.DIRECTORY) {
        inode.permissions |= SETGID;
      }
    }
    PosixAcl inheritable = defaultAcl == null ? null : PosixAcl.parse(defaultAcl);
    if (inheritable != null) {
      PosixAcl.Inherited inherited = inheritable.inherit(inode.permissions);
      inode.permissions = inherited.permissions();
      if (inherited.access() != null) {
        inode.xattrs.put(PosixAcl.ACCESS, inherited.access().toBytes());
      }
      if (type == FileType.DIRECTORY) {
        inode.xattrs.put(PosixAcl.DEFAULT, defaultAcl);
      }
    } else if (type != FileType.SYMLINK) {
      inode.permissions &= ~context.umask();
    }
    if (!inode.xattrs.isEmpty()) {
      tree.changedXattrs(inode);
    }
    return inode;
  }

  private void attachLocked(long directory, Name name, OverlayInode inode) throws FsException {
    tree.setName(directory, name, inode);
    if (inode.type == FileType.DIRECTORY) {
      tree.addLinks(inode, 2);
      tree.setParent(inode, directory);
      tree.addLinks(tree.copyUp(directory), 1);
    } else {
      tree.addLinks(inode, 1);
    }
    touchLocked(directory);
  }

  private void detachLocked(long directory, Name name, Child child) throws FsException {
    tree.setName(directory, name, null);
    OverlayInode inode = tree.copyUp(child.ino());
    if (inode.type == FileType.DIRECTORY) {
      tree.addLinks(inode, -tree.nlink(inode));
      tree.setParent(inode, directory);
      tree.addLinks(tree.copyUp(directory), -1);
    } else {
      tree.addLinks(inode, -1);
    }
    inode.ctime = clock.now();
    touchLocked(directory);
  }

  /** A change of names is a change of the directory's data. */
  private void touchLocked(long directory) throws FsException {
    OverlayInode inode = tree.copyUp(directory);
    tree.ownData(inode);
    inode.mtime = clock.now();
    inode.ctime = inode.mtime;
    tree.changed(inode);
  }

  // ---- attributes ----

  @Override
  public Attributes getattr(RequestContext context, long node) throws FsException {
    tree.lock.readLock().lock();
    try {
      return tree.attributes(NodeId.ino(node));
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public Attributes setattr(RequestContext context, long node, AttributeChange change)
      throws FsException {
    pipeline.awaitRoom(context);
    long ino = NodeId.ino(node);
    FileType type;
    tree.lock.readLock().lock();
    try {
      type = tree.type(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
    if (change.permissions() != null && type == FileType.SYMLINK) {
      throw new FsException(Errno.EOPNOTSUPP, "chmod of a symlink");
    }
    if (change.sizeBytes() != null) {
      requireResizable(type, change.sizeBytes());
      content.resize(context, ino, change.sizeBytes());
    }
    tree.lock.writeLock().lock();
    try {
      reserveLocked(3, RecordCodec.encodedBytes(tree.xattrs(ino)), 0);
      OverlayInode inode = tree.copyUp(ino);
      applyLocked(inode, change);
      inode.ctime = change.ctime() != null ? change.ctime() : clock.now();
      tree.changed(inode);
      return tree.attributes(ino);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private static void requireResizable(FileType type, long sizeBytes) throws FsException {
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "truncate of a directory");
    }
    if (type != FileType.REGULAR || sizeBytes < 0) {
      throw new FsException(Errno.EINVAL, "truncate");
    }
    if (sizeBytes > RecordLimits.MAX_FILE_BYTES) {
      throw new FsException(Errno.EFBIG, "truncate");
    }
  }

  private void applyLocked(OverlayInode inode, AttributeChange change) throws FsException {
    boolean chown = change.uid() != null || change.gid() != null;
    if (change.clearSetid() || (chown && inode.type != FileType.DIRECTORY)) {
      clearSetidLocked(inode);
    }
    if (chown || change.permissions() != null) {
      tree.ownAttributes(inode);
    }
    if (change.uid() != null) {
      inode.uid = change.uid();
    }
    if (change.gid() != null) {
      inode.gid = change.gid();
    }
    if (change.permissions() != null) {
      inode.permissions = change.permissions() & 07777;
      byte[] acl = tree.xattr(inode.ino, PosixAcl.ACCESS);
      if (acl != null) {
        PosixAcl changed = PosixAcl.parse(acl).withPermissionBits(inode.permissions);
        tree.ownXattrs(inode).put(PosixAcl.ACCESS, changed.toBytes());
        tree.changedXattrs(inode);
      }
    }
    if (change.atime() != null) {
      inode.atime = change.atime();
    }
    if (change.mtime() != null) {
      tree.ownData(inode);
      inode.mtime = change.mtime();
    }
  }

  /**
   * Clears setuid, setgid (of what the group may execute) and capabilities
   * (setattr_should_drop_suidgid, cap_inode_killpriv). The caller holds the inode's monitor or the
   * exclusive lock, and has reserved room for the xattrs.
   */
  void clearSetidLocked(OverlayInode inode) throws FsException {
    if (inode.type == FileType.DIRECTORY) {
      return;
    }
    int permissions =
        inode.ownAttributes
            ? inode.permissions
            : tree.base.attributes(tree.inheritedSlot(inode)).permissions();
    int cleared = permissions & ~SETUID;
    if ((permissions & GROUP_EXECUTE) != 0) {
      cleared &= ~SETGID;
    }
    if (cleared != permissions) {
      tree.ownAttributes(inode);
      inode.permissions = cleared;
      tree.changed(inode);
    }
    if (tree.xattr(inode.ino, Xattrs.CAPABILITY) != null) {
      tree.ownXattrs(inode).remove(Xattrs.CAPABILITY);
      tree.changedXattrs(inode);
    }
  }

  @Override
  public byte[] readlink(RequestContext context, long node) throws FsException {
    long ino = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      if (tree.type(ino) != FileType.SYMLINK) {
        throw new FsException(Errno.EINVAL, "readlink of another type");
      }
      return tree.symlinkTarget(ino).clone();
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  // ---- xattrs ----

  @Override
  public byte[] getxattr(RequestContext context, long node, Name name) throws FsException {
    long ino = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      tree.type(ino);
      Xattrs.requireNamespace(name);
      byte[] value = tree.xattr(ino, name);
      return value == null ? null : value.clone();
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public byte[] listxattr(RequestContext context, long node) throws FsException {
    SortedMap<Name, byte[]> xattrs;
    tree.lock.readLock().lock();
    try {
      xattrs = tree.xattrs(NodeId.ino(node));
    } finally {
      tree.lock.readLock().unlock();
    }
    ByteArrayOutputStream names = new ByteArrayOutputStream();
    for (Name name : xattrs.keySet()) {
      names.writeBytes(name.toBytes());
      names.write(0);
    }
    return names.toByteArray();
  }

  @Override
  public void setxattr(
      RequestContext context, long node, Name name, byte[] value, int flags, boolean clearSetgid)
      throws FsException {
    pipeline.awaitRoom(context);
    long ino = NodeId.ino(node);
    tree.lock.writeLock().lock();
    try {
      FileType type = tree.type(ino);
      Xattrs.requireNamespace(name);
      if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) {
        throw new FsException(Errno.EINVAL, "setxattr flags " + flags);
      }
      if (value.length > RecordLimits.MAX_XATTR_VALUE_BYTES) {
        throw new FsException(Errno.E2BIG, "xattr value");
      }
      if (Xattrs.isAcl(name)) {
        setAclLocked(ino, type, name, value, clearSetgid);
        return;
      }
      Xattrs.requireChangeable(name, type);
      TreeMap<Name, byte[]> changed = new TreeMap<>(tree.xattrs(ino));
      byte[] old = changed.put(name, value.clone());
      if (old != null && (flags & XATTR_CREATE) != 0) {
        throw new FsException(Errno.EEXIST, "xattr exists");
      }
      if (old == null && (flags & XATTR_REPLACE) != 0) {
        throw new FsException(Errno.ENODATA, "no such xattr");
      }
      setXattrsLocked(ino, changed);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void setXattrsLocked(long ino, SortedMap<Name, byte[]> xattrs) throws FsException {
    int bytes = RecordCodec.encodedBytes(xattrs);
    if (bytes > RecordLimits.MAX_XATTRS_BYTES) {
      throw new FsException(Errno.ENOSPC, "xattrs of one inode");
    }
    reserveLocked(2, bytes, 0);
    OverlayInode inode = tree.copyUp(ino);
    inode.ownXattrs = true;
    inode.xattrs = xattrs;
    inode.ctime = clock.now();
    tree.changedXattrs(inode);
  }

  /**
   * posix_acl_update_mode: an access list sets the permission bits, and goes if they say it all.
   */
  private void setAclLocked(long ino, FileType type, Name name, byte[] value, boolean clearSetgid)
      throws FsException {
    if (type == FileType.SYMLINK) {
      throw new FsException(Errno.EOPNOTSUPP, "ACL of a symlink");
    }
    PosixAcl acl = PosixAcl.parse(value);
    boolean isAccess = name.equals(PosixAcl.ACCESS);
    if (!isAccess && type != FileType.DIRECTORY && acl != null) {
      throw new FsException(Errno.EACCES, "default ACL of a file");
    }
    boolean stays = acl != null && !(isAccess && acl.isEquivalentToMode());
    TreeMap<Name, byte[]> changed = new TreeMap<>(tree.xattrs(ino));
    if (stays) {
      changed.put(name, acl.toBytes());
    } else {
      changed.remove(name);
    }
    setXattrsLocked(ino, changed);
    if (isAccess && acl != null) {
      OverlayInode inode = tree.copyUp(ino);
      tree.ownAttributes(inode);
      inode.permissions = (inode.permissions & ~0777) | acl.permissionBits();
      if (clearSetgid) {
        inode.permissions &= ~SETGID;
      }
      tree.changed(inode);
    }
  }

  @Override
  public void removexattr(RequestContext context, long node, Name name) throws FsException {
    pipeline.awaitRoom(context);
    long ino = NodeId.ino(node);
    tree.lock.writeLock().lock();
    try {
      FileType type = tree.type(ino);
      Xattrs.requireNamespace(name);
      if (!Xattrs.isAcl(name)) {
        Xattrs.requireChangeable(name, type);
      }
      TreeMap<Name, byte[]> changed = new TreeMap<>(tree.xattrs(ino));
      if (changed.remove(name) == null && !Xattrs.isAcl(name)) {
        throw new FsException(Errno.ENODATA, "no such xattr");
      }
      setXattrsLocked(ino, changed);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  // ---- content ----

  @Override
  public long open(RequestContext context, long node, int flags) throws FsException {
    long ino = NodeId.ino(node);
    long handle;
    tree.lock.readLock().lock();
    try {
      switch (tree.type(ino)) {
        case DIRECTORY -> throw new FsException(Errno.EISDIR, "open of a directory");
        case SYMLINK -> throw new FsException(Errno.ELOOP, "open of a symlink");
        case REGULAR -> handle = handleOn(ino, flags);
        default -> throw new FsException(Errno.ENXIO, "open of a special file");
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    if ((flags & OpenFlags.O_TRUNC) != 0) {
      try {
        content.resize(context, ino, 0);
      } catch (FsException e) {
        release(context, node, handle);
        throw e;
      }
    }
    return handle;
  }

  /** Counts an open. The caller holds the tree lock, so that the inode cannot go meanwhile. */
  private long handleOn(long ino, int flags) {
    tree.opens.add(ino, 1);
    boolean writes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
    if (writes) {
      tree.writers.add(ino, 1);
    }
    return writes ? ino | WRITER : ino;
  }

  @Override
  public void release(RequestContext context, long node, long handle) {
    long ino = handle & ~WRITER;
    if ((handle & WRITER) != 0) {
      tree.writers.subtract(ino, 1);
    }
    if (tree.opens.subtract(ino, 1)) {
      dropIfUnused(ino);
    }
  }

  @Override
  public int read(
      RequestContext context, long node, long handle, long offsetBytes, ByteBuffer target)
      throws FsException {
    long ino = NodeId.ino(node);
    int count = content.read(context, ino, offsetBytes, target);
    if (count > 0) {
      renewAccessTime(ino);
    }
    return count;
  }

  /** relatime, of what is own already: reading a repository file never makes an entry. */
  private void renewAccessTime(long ino) throws FsException {
    FileTime now = clock.now();
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = tree.own(ino);
      if (inode == null || !inode.ownData) {
        return;
      }
      synchronized (inode) {
        boolean stale =
            inode.atime.compareTo(inode.mtime) <= 0
                || inode.atime.compareTo(inode.ctime) <= 0
                || now.seconds() - inode.atime.seconds() >= ATIME_AGE_SECONDS;
        if (stale && now.compareTo(inode.atime) > 0 && tree.reserve(2, 0, 0)) {
          inode.atime = now;
          tree.changed(inode);
        }
      }
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public int write(
      RequestContext context,
      long node,
      long handle,
      long offsetBytes,
      ByteBuffer source,
      boolean clearSetid)
      throws FsException {
    return content.write(context, NodeId.ino(node), offsetBytes, source, clearSetid);
  }

  /** Makes a regular file's data own, if it is not yet. Takes the tree lock. */
  void ensureOwnData(long ino) throws FsException {
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = tree.own(ino);
      if (inode != null && inode.ownData) {
        return;
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    tree.lock.writeLock().lock();
    try {
      reserveLocked(2, 0, 0);
      OverlayInode inode = tree.copyUp(ino);
      tree.ownData(inode);
      tree.changed(inode);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  /**
   * Reports what the pipeline is failing with, if the file has changes that are not durable yet.
   */
  @Override
  public void flush(RequestContext context, long node, long handle) throws FsException {
    long ino = NodeId.ino(node);
    String failure = pipeline.failure();
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = tree.own(ino);
      if (inode == null) {
        tree.type(ino);
        return;
      }
      boolean pending;
      synchronized (inode) {
        pending = inode.inBatch || inode.lastCut > pipeline.acknowledgedBatch();
      }
      if (failure != null && pending) {
        throw new FsException(Errno.EIO, failure);
      }
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public void fsync(RequestContext context, long node, long handle, boolean dataOnly)
      throws FsException {
    makeDurable(context, config.durability());
  }

  @Override
  public void fallocate(
      RequestContext context, long node, long handle, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    long ino = NodeId.ino(node);
    FileType type;
    tree.lock.readLock().lock();
    try {
      type = tree.type(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
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
    if (type != FileType.REGULAR) {
      throw new FsException(Errno.ENODEV, "fallocate of another type");
    }
    if (offsetBytes > RecordLimits.MAX_FILE_BYTES - lengthBytes) {
      throw new FsException(Errno.EFBIG, "fallocate");
    }
    content.allocate(context, ino, mode, offsetBytes, lengthBytes);
  }

  @Override
  public long lseek(RequestContext context, long node, long handle, long offsetBytes, int whence)
      throws FsException {
    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
      throw new FsException(Errno.EINVAL, "lseek whence " + whence);
    }
    return content.seek(NodeId.ino(node), offsetBytes, whence);
  }

  @Override
  public long copyFileRange(
      RequestContext context,
      long sourceNode,
      long sourceHandle,
      long sourceOffsetBytes,
      long targetNode,
      long targetHandle,
      long targetOffsetBytes,
      long lengthBytes)
      throws FsException {
    if (sourceOffsetBytes < 0 || targetOffsetBytes < 0 || lengthBytes < 0) {
      throw new FsException(Errno.EINVAL, "copy range");
    }
    long sizeBytes = regularSize(sourceNode);
    regularSize(targetNode);
    long length =
        Math.min(Math.min(lengthBytes, COPY_BYTES_MAX), Math.max(0, sizeBytes - sourceOffsetBytes));
    if (length == 0) {
      return 0;
    }
    if (targetOffsetBytes > RecordLimits.MAX_FILE_BYTES - length) {
      throw new FsException(Errno.EFBIG, "copy");
    }
    boolean overlap =
        sourceOffsetBytes < targetOffsetBytes + length
            && targetOffsetBytes < sourceOffsetBytes + length;
    if (NodeId.ino(sourceNode) == NodeId.ino(targetNode) && overlap) {
      throw new FsException(Errno.EINVAL, "copy onto itself");
    }
    ByteBuffer buffer = ByteBuffer.allocate((int) length);
    read(context, sourceNode, sourceHandle, sourceOffsetBytes, buffer);
    buffer.flip();
    return write(context, targetNode, targetHandle, targetOffsetBytes, buffer, false);
  }

  private long regularSize(long node) throws FsException {
    Attributes attributes = getattr(null, node);
    if (attributes.type() == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "a directory");
    }
    if (attributes.type() != FileType.REGULAR) {
      throw new FsException(Errno.EINVAL, "not a regular file");
    }
    return attributes.sizeBytes();
  }

  // ---- directories ----

  @Override
  public long opendir(RequestContext context, long node) throws FsException {
    long ino = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      requireDirectory(ino);
      return handleOn(ino, OpenFlags.O_RDONLY);
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  @Override
  public void releasedir(RequestContext context, long node, long handle) {
    release(context, node, handle);
  }

  @Override
  public void fsyncdir(RequestContext context, long node, long handle, boolean dataOnly)
      throws FsException {
    makeDurable(context, config.durability());
  }

  @Override
  public void readdir(
      RequestContext context,
      long node,
      long handle,
      long cookie,
      boolean withAttributes,
      DirectorySink sink)
      throws FsException {
    long directory = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      requireDirectory(directory);
      if (cookie < 1 && !sink.accept(new byte[] {'.'}, directory, FileType.DIRECTORY, 1, null)) {
        return;
      }
      if (cookie < 2) {
        long parent = tree.parent(directory);
        if (!sink.accept(new byte[] {'.', '.'}, parent, FileType.DIRECTORY, 2, null)) {
          return;
        }
      }
      if (!isDead(directory)) {
        listLocked(directory, cookie, withAttributes, sink);
      }
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  private void listLocked(long directory, long cookie, boolean withAttributes, DirectorySink sink)
      throws FsException {
    OverlayDirectory rows = tree.rows(directory);
    int slot = tree.baseDirectory(directory);
    int children = slot == RepositoryTree.NONE ? 0 : tree.base.childCount(slot);
    for (long i = Math.max(0, cookie - BASE_COOKIE + 1); i < children; i++) {
      Name name = tree.base.childName(slot, (int) i);
      DentryRow row = rows == null ? null : rows.row(name);
      if (row != null && row.isWhiteout()) {
        continue;
      }
      int childSlot = row != null ? RepositoryTree.NONE : tree.base.childSlot(slot, (int) i);
      long ino = row != null ? row.ino() : tree.base.ino(childSlot);
      FileType type = row != null ? row.type() : tree.base.type(childSlot);
      if (!offer(sink, name, ino, type, BASE_COOKIE + i, withAttributes)) {
        return;
      }
    }
    if (rows == null) {
      return;
    }
    for (Map.Entry<Long, Name> own : rows.ownNamesAfter(cookie - OWN_COOKIE).entrySet()) {
      DentryRow row = rows.row(own.getValue());
      long next = OWN_COOKIE + own.getKey();
      if (!offer(sink, own.getValue(), row.ino(), row.type(), next, withAttributes)) {
        return;
      }
    }
  }

  private boolean offer(
      DirectorySink sink, Name name, long ino, FileType type, long cookie, boolean withAttributes)
      throws FsException {
    Attributes attributes = withAttributes ? tree.attributes(ino) : null;
    if (!sink.accept(name.toBytes(), ino, type, cookie, attributes)) {
      return false;
    }
    if (withAttributes) {
      tree.lookups.add(ino, 1);
    }
    return true;
  }

  @Override
  public FileSystemStatistics statfs(RequestContext context) throws FsException {
    long owned = tree.ownedPages.get();
    long inodes = tree.base.inodeCount() + (1L << 32);
    if (config.quotaBytes() > 0) {
      long blocks = config.quotaBytes() / Change.PAGE_BYTES;
      long free = Math.max(0, blocks - owned);
      return new FileSystemStatistics(Change.PAGE_BYTES, blocks, free, free, inodes, 1L << 32);
    }
    long shared = tree.base.contentBytes() / Change.PAGE_BYTES;
    long free = 1L << 38;
    return new FileSystemStatistics(
        Change.PAGE_BYTES, shared + owned + free, free, free, inodes, 1L << 32);
  }

  // ---- parts ----

  private Attributes looked(long ino) throws FsException {
    Attributes attributes = tree.attributes(ino);
    if (ino != NodeId.ROOT) {
      tree.lookups.add(ino, 1);
    }
    return attributes;
  }

  private static boolean isDot(Name name) {
    return name.byteAt(0) == '.'
        && (name.length() == 1 || (name.length() == 2 && name.byteAt(1) == '.'));
  }

  private void requireDirectory(long ino) throws FsException {
    if (tree.type(ino) != FileType.DIRECTORY) {
      throw new FsException(Errno.ENOTDIR, "not a directory");
    }
  }

  private boolean isDead(long directory) {
    return tree.isOrphan(directory);
  }

  private void requireAlive(long directory) throws FsException {
    if (isDead(directory)) {
      throw new FsException(Errno.ENOENT, "the directory was removed");
    }
  }

  private static void requireValid(Name name) throws FsException {
    if (!name.isValidEntry()) {
      throw new FsException(Errno.EINVAL, "not an entry's name");
    }
  }

  private void requireFree(long directory, Name name) throws FsException {
    requireDirectory(directory);
    requireValid(name);
    requireAlive(directory);
    if (tree.lookup(directory, name) != null) {
      throw new FsException(Errno.EEXIST, "name exists");
    }
  }

  private Child requireChild(long directory, Name name) throws FsException {
    requireDirectory(directory);
    requireValid(name);
    Child child = isDead(directory) ? null : tree.lookup(directory, name);
    if (child == null) {
      throw new FsException(Errno.ENOENT, "no such name");
    }
    return child;
  }

  private void requireEmpty(long directory) throws FsException {
    if (!tree.isEmpty(directory)) {
      throw new FsException(Errno.ENOTEMPTY, "directory not empty");
    }
  }

  /** Whether a directory is another one or lies below it. */
  private boolean isWithin(long directory, long ancestor) throws FsException {
    for (long at = directory; ; at = tree.parent(at)) {
      if (at == ancestor) {
        return true;
      }
      if (at == NodeId.ROOT) {
        return false;
      }
    }
  }
}
