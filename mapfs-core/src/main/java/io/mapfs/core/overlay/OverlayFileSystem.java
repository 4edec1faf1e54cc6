package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.DirectorySink;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.RepositoryTree;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A node's root: a version of its master with the node's overlay on top.
 *
 * <p>Life of a mount; the operations themselves are done by one class for each kind. They change
 * the heap; the open batch is sealed into records by {@link SealPipeline}. Locks: see the package.
 */
public final class OverlayFileSystem implements FileSystemOperations, Closeable {
  private final OverlayState state;
  private final OverlayTree tree;
  private final Batches batches;
  private final SealPipeline pipeline;
  private final InodeUsers users;
  private final NameOperations names;
  private final RenameOperation renames;
  private final AttributeOperations attributes;
  private final XattrOperations xattrs;
  private final FileOperations files;
  private final Preloader preloader;
  private final DirectoryOperations directories;
  private final Quota quota;

  private OverlayFileSystem(
      OverlayConfig config,
      OverlayState state,
      Versions versions,
      BlockReader reader,
      ReadListener listener,
      JournalShipper shipper,
      FileClock clock) {
    OverlayPosition position = state.position();
    PageLog pageLog = state.pageLog();
    this.state = state;
    this.tree =
        new OverlayTree(
            versions.current(), state.index(), pageLog, state.numbers(), config.cachedInodesMax());
    this.batches = new Batches(tree, state, config, shipper);
    this.pipeline = batches.pipeline();
    this.quota = new Quota(tree, config.quotaBytes());
    this.users = new InodeUsers(tree, batches);

    ReadScope scope = new ReadScope.Overlay(position.node());
    SourceReader sources = new SourceReader(pageLog, versions, reader, listener, scope);
    ContentPages pages = new ContentPages(tree, batches, pageLog, clock);
    Privileges privileges = new Privileges(tree);
    ContentWriter writer =
        new ContentWriter(tree, batches, pageLog, pages, sources, quota, privileges);
    ContentResizer resizer =
        new ContentResizer(tree, batches, pageLog, pages, sources, quota, privileges);
    AccessTimes accessTimes = new AccessTimes(tree, clock);
    this.preloader = new Preloader(tree, sources, accessTimes);
    this.files =
        new FileOperations(
            tree,
            users,
            new ContentReader(tree, pageLog, pages, sources),
            writer,
            resizer,
            new ContentSeek(tree, pages, sources),
            accessTimes);
    this.attributes = new AttributeOperations(tree, batches, resizer, privileges, clock);
    this.xattrs = new XattrOperations(tree, batches, clock);

    NameRules rules = new NameRules(tree, config.linksMax());
    NewInodes newInodes = new NewInodes(tree, batches, quota, clock);
    NameChanges changes = new NameChanges(tree, clock);
    this.names = new NameOperations(tree, batches, rules, users, newInodes, changes, files, clock);
    this.renames = new RenameOperation(tree, batches, rules, users, newInodes, changes);
    this.directories = new DirectoryOperations(tree, rules, users);
  }

  /**
   * Changes what the overlay may have of its own.
   *
   * @param quotaBytes 0 for unlimited; less than it has stops what needs more, nothing else
   */
  public void changeQuota(long quotaBytes) {
    quota.change(quotaBytes);
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

  /**
   * Seals everything and waits until it is durable at the appliance.
   *
   * @return the last record's sequence
   * @throws FsException EIO after the limit, EINTR
   */
  public long barrier(RequestContext context) throws FsException {
    batches.awaitAcknowledged(context);
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
          batches.reserve(2, 0, 0);
          tree.drop(tree.own(ino));
        }
      } finally {
        tree.lock.writeLock().unlock();
      }
      barrier(NoContext.INSTANCE);
    } catch (FsException e) {
      failure = new IOException("not everything reached the appliance: " + e.getMessage(), e);
      sealRest(failure);
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

  /** What the appliance does not take is in the local journal at least. */
  private void sealRest(IOException failure) {
    try {
      batches.awaitSealed(NoContext.INSTANCE);
    } catch (FsException e) {
      failure.addSuppressed(e);
    }
  }

  /** Seals everything into the local journal, which survives the daemon's death; for tests. */
  void sealNow() throws FsException {
    batches.awaitSealed(NoContext.INSTANCE);
  }

  /** Ends the open batch, without waiting for anything; for tests. */
  void cutNow() {
    batches.cut();
  }

  /** Stops without handing anything over, as a crash does; for tests. */
  void crash() throws IOException {
    pipeline.stop();
    state.close();
  }

  // ---- the port ----

  @Override
  public Attributes lookup(RequestContext context, long parent, Name name) throws FsException {
    return names.lookup(parent, name);
  }

  @Override
  public void forget(long node, long count) {
    if (users.forget(node, count)) {
      preloader.forgotten(NodeId.ino(node));
    }
  }

  @Override
  public Attributes mknod(RequestContext context, long parent, Name name, int mode, int rdev)
      throws FsException {
    return names.mknod(context, parent, name, mode, rdev);
  }

  @Override
  public Attributes mkdir(RequestContext context, long parent, Name name, int permissions)
      throws FsException {
    return names.mkdir(context, parent, name, permissions);
  }

  @Override
  public Attributes symlink(RequestContext context, long parent, Name name, byte[] target)
      throws FsException {
    return names.symlink(context, parent, name, target);
  }

  @Override
  public Opened create(RequestContext context, long parent, Name name, int permissions, int flags)
      throws FsException {
    return names.create(context, parent, name, permissions, flags);
  }

  @Override
  public Opened tmpfile(RequestContext context, long parent, int permissions, int flags)
      throws FsException {
    return names.tmpfile(context, parent, permissions, flags);
  }

  @Override
  public Attributes link(RequestContext context, long node, long newParent, Name newName)
      throws FsException {
    return names.link(context, node, newParent, newName);
  }

  @Override
  public void unlink(RequestContext context, long parent, Name name) throws FsException {
    names.unlink(context, parent, name);
  }

  @Override
  public void rmdir(RequestContext context, long parent, Name name) throws FsException {
    names.rmdir(context, parent, name);
  }

  @Override
  public void rename(
      RequestContext context, long parent, Name name, long newParent, Name newName, int flags)
      throws FsException {
    renames.rename(context, parent, name, newParent, newName, flags);
  }

  @Override
  public Attributes getattr(RequestContext context, long node) throws FsException {
    return attributes.getattr(node);
  }

  @Override
  public Attributes setattr(RequestContext context, long node, AttributeChange change)
      throws FsException {
    return attributes.setattr(context, node, change);
  }

  @Override
  public byte[] readlink(RequestContext context, long node) throws FsException {
    return attributes.readlink(node);
  }

  @Override
  public byte[] getxattr(RequestContext context, long node, Name name) throws FsException {
    return xattrs.getxattr(node, name);
  }

  @Override
  public byte[] listxattr(RequestContext context, long node) throws FsException {
    return xattrs.listxattr(node);
  }

  @Override
  public void setxattr(
      RequestContext context, long node, Name name, byte[] value, int flags, boolean clearSetgid)
      throws FsException {
    xattrs.setxattr(context, node, name, value, flags, clearSetgid);
  }

  @Override
  public void removexattr(RequestContext context, long node, Name name) throws FsException {
    xattrs.removexattr(context, node, name);
  }

  @Override
  public long open(RequestContext context, long node, int flags) throws FsException {
    return files.open(context, node, flags);
  }

  @Override
  public void release(RequestContext context, long node, long handle) {
    users.closed(handle);
  }

  @Override
  public boolean preload(long node, ByteBuffer target, Runnable store) throws FsException {
    return preloader.preload(node, target, store);
  }

  @Override
  public int read(
      RequestContext context, long node, long handle, long offsetBytes, ByteBuffer target)
      throws FsException {
    return files.read(context, node, offsetBytes, target);
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
    return files.write(context, node, offsetBytes, source, clearSetid);
  }

  @Override
  public void fsync(RequestContext context, long node, long handle, boolean dataOnly)
      throws FsException {
    batches.awaitDurable(context);
  }

  @Override
  public void fallocate(
      RequestContext context, long node, long handle, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    files.fallocate(context, node, mode, offsetBytes, lengthBytes);
  }

  @Override
  public long lseek(RequestContext context, long node, long handle, long offsetBytes, int whence)
      throws FsException {
    return files.lseek(node, offsetBytes, whence);
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
    return files.copyFileRange(
        context, sourceNode, sourceOffsetBytes, targetNode, targetOffsetBytes, lengthBytes);
  }

  @Override
  public long opendir(RequestContext context, long node) throws FsException {
    return directories.opendir(node);
  }

  @Override
  public void releasedir(RequestContext context, long node, long handle) {
    users.closed(handle);
  }

  @Override
  public void fsyncdir(RequestContext context, long node, long handle, boolean dataOnly)
      throws FsException {
    batches.awaitDurable(context);
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
    directories.readdir(node, cookie, withAttributes, sink);
  }

  @Override
  public FileSystemStatistics statfs(RequestContext context) {
    return quota.statistics();
  }
}
