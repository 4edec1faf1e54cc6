package io.mapfs.it;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.ReferenceFileSystem;
import io.mapfs.core.fs.TestContext;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * A filesystem in memory that knows what of it was synced. After a power cut a file has what its
 * last fsync left, and of the pages that were written since a seeded part; directories have the
 * names of their last fsync, and of the changes since a seeded prefix. An fsync of a file says
 * nothing of its name, as POSIX has it (ext4 is kinder). Modes and owners are kept at once.
 */
final class Platter {
  /** What a lying disk leaves undone although it says that it is done. */
  enum Lie {
    FILE_SYNC,
    DIRECTORY_SYNC
  }

  private static final int PAGE_BYTES = 4096;
  private static final int O_RDWR = 2;
  private static final int O_TRUNC = 01000;
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;

  /** What of a file was synced, and what was written since. */
  private static final class Content {
    long syncedBytes;
    final TreeMap<Long, byte[]> synced = new TreeMap<>();
    final Set<Long> dirty = new HashSet<>();

    /** Its length changed, or parts of it were cut out: all of it is dirty. */
    boolean reshaped;
  }

  /** One name's change: the inode that it now means, or {@code null}. */
  private record NameChange(long directory, Name name, Long ino) {}

  private final ReferenceFileSystem live = new ReferenceFileSystem(FileClock.system());
  private final Set<Lie> lies = EnumSet.noneOf(Lie.class);
  private final Map<Long, TreeMap<Name, Long>> names = new HashMap<>();
  private final Map<Long, TreeMap<Name, Long>> syncedNames = new HashMap<>();

  /** Operations on names, each one change or more, that no fsync of a directory has covered. */
  private final List<List<NameChange>> unsynced = new ArrayList<>();

  private final Map<Long, Attributes> inodes = new HashMap<>();
  private final Map<Long, Content> contents = new HashMap<>();
  private boolean dead;

  /** From now on the disk lies, and has no luck: a planted fault. */
  synchronized void lie(Lie lie) {
    lies.add(lie);
  }

  synchronized void cut() {
    dead = true;
  }

  /** Both at the same moment: no call ends on one after another has failed on the other. */
  static void cut(Platter one, Platter other) {
    synchronized (one) {
      synchronized (other) {
        one.cut();
        other.cut();
      }
    }
  }

  // ---- serving ----

  /** Carries out an operation of {@link FileSystemOperations}. */
  synchronized Object serve(Method method, Object[] arguments) throws Throwable {
    if (dead) {
      if (method.getReturnType() == void.class && method.getExceptionTypes().length == 0) {
        return null;
      }
      throw new FsException(Errno.EIO, "the power is cut");
    }
    Object result;
    try {
      result = method.invoke(live, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    note(method.getName(), arguments, result);
    return result;
  }

  private void note(String operation, Object[] arguments, Object result) throws FsException {
    switch (operation) {
      case "mknod", "mkdir" -> named(arguments, (Attributes) result);
      case "create" -> {
        Attributes made = ((Opened) result).attributes();
        if (entries(arguments[1]).get(arguments[2]) == null) {
          named(arguments, made);
        } else if (((int) arguments[4] & O_TRUNC) != 0) {
          content(made.node()).reshaped = true;
        }
      }
      case "link" ->
          change(new NameChange((long) arguments[2], (Name) arguments[3], (Long) arguments[1]));
      case "symlink" -> throw new FsException(Errno.EPERM, "this disk has no symlinks");
      case "unlink", "rmdir" ->
          change(new NameChange((long) arguments[1], (Name) arguments[2], null));
      case "rename" -> renamed(arguments);
      case "open" -> {
        if (((int) arguments[2] & O_TRUNC) != 0) {
          content(arguments[1]).reshaped = true;
        }
      }
      case "write" -> {
        long first = (long) arguments[3];
        long last = first + (int) result - 1;
        for (long page = first / PAGE_BYTES; page <= last / PAGE_BYTES; page++) {
          content(arguments[1]).dirty.add(page);
        }
      }
      case "setattr" -> {
        inodes.put((long) arguments[1], (Attributes) result);
        if (((AttributeChange) arguments[2]).sizeBytes() != null) {
          content(arguments[1]).reshaped = true;
        }
      }
      case "fallocate" -> content(arguments[1]).reshaped = true;
      case "copyFileRange" -> content(arguments[4]).reshaped = true;
      case "fsync" -> {
        if (!lies.contains(Lie.FILE_SYNC)) {
          sync((long) arguments[1]);
        }
      }
      case "fsyncdir" -> {
        if (!lies.contains(Lie.DIRECTORY_SYNC)) {
          syncNames((long) arguments[1]);
        }
      }
      default -> {
        // It changes nothing that a power cut could take.
      }
    }
  }

  private void named(Object[] arguments, Attributes made) {
    inodes.put(made.node(), made);
    change(new NameChange((long) arguments[1], (Name) arguments[2], made.node()));
  }

  private void renamed(Object[] arguments) {
    long from = (long) arguments[1];
    Name name = (Name) arguments[2];
    long to = (long) arguments[3];
    Name newName = (Name) arguments[4];
    boolean exchanged = ((int) arguments[5] & FileSystemOperations.RENAME_EXCHANGE) != 0;
    Long moved = entries(from).get(name);
    Long other = exchanged ? entries(to).get(newName) : null;
    change(new NameChange(from, name, other), new NameChange(to, newName, moved));
  }

  private void change(NameChange... changes) {
    for (NameChange change : changes) {
      apply(change, names);
    }
    unsynced.add(new ArrayList<>(List.of(changes)));
  }

  private static void apply(NameChange change, Map<Long, TreeMap<Name, Long>> to) {
    TreeMap<Name, Long> entries = to.computeIfAbsent(change.directory, d -> new TreeMap<>());
    if (change.ino == null) {
      entries.remove(change.name);
    } else {
      entries.put(change.name, change.ino);
    }
  }

  private TreeMap<Name, Long> entries(Object directory) {
    return names.computeIfAbsent((Long) directory, d -> new TreeMap<>());
  }

  private Content content(Object node) {
    return contents.computeIfAbsent((Long) node, n -> new Content());
  }

  // ---- syncing ----

  private void sync(long node) throws FsException {
    Content content = content(node);
    long bytes = live.getattr(ROOT, node).sizeBytes();
    if (content.reshaped) {
      content.synced.clear();
      for (long page = 0; page * PAGE_BYTES < bytes; page++) {
        content.dirty.add(page);
      }
    }
    for (long page : content.dirty) {
      content.synced.put(page, page(node, page));
    }
    content.syncedBytes = bytes;
    content.dirty.clear();
    content.reshaped = false;
  }

  private byte[] page(long node, long page) throws FsException {
    ByteBuffer bytes = ByteBuffer.allocate(PAGE_BYTES);
    live.read(ROOT, node, NONE, page * PAGE_BYTES, bytes);
    return bytes.array();
  }

  private void syncNames(long directory) {
    for (Iterator<List<NameChange>> each = unsynced.iterator(); each.hasNext(); ) {
      List<NameChange> changes = each.next();
      changes.removeIf(
          change -> {
            boolean here = change.directory == directory;
            if (here) {
              apply(change, syncedNames);
            }
            return here;
          });
      if (changes.isEmpty()) {
        each.remove();
      }
    }
  }

  // ---- after the cut ----

  /** What is left, all of it synced. */
  synchronized Platter left(Random random) throws FsException {
    int lucky = lies.isEmpty() ? random.nextInt(unsynced.size() + 1) : 0;
    for (List<NameChange> changes : unsynced.subList(0, lucky)) {
      changes.forEach(change -> apply(change, syncedNames));
    }
    Platter left = new Platter();
    copy(left, NodeId.ROOT, NodeId.ROOT, new HashMap<>(), random);
    for (long directory : List.copyOf(left.names.keySet())) {
      left.syncNames(directory);
    }
    for (long node : List.copyOf(left.contents.keySet())) {
      left.sync(node);
    }
    return left;
  }

  private void copy(Platter to, long old, long directory, Map<Long, Long> made, Random random)
      throws FsException {
    for (Map.Entry<Name, Long> entry : syncedNames.getOrDefault(old, new TreeMap<>()).entrySet()) {
      Name name = entry.getKey();
      Attributes was = inodes.get(entry.getValue());
      Long linked = made.get(was.node());
      if (linked != null) {
        to.live.link(ROOT, linked, directory, name);
        to.change(new NameChange(directory, name, linked));
      } else if (was.type() == FileType.DIRECTORY) {
        Attributes now = to.live.mkdir(ROOT, directory, name, was.permissions());
        to.inodes.put(now.node(), now);
        to.change(new NameChange(directory, name, now.node()));
        to.entries(now.node());
        copy(to, was.node(), now.node(), made, random);
      } else {
        Opened opened = to.live.create(ROOT, directory, name, was.permissions(), O_RDWR);
        Attributes now = opened.attributes();
        to.inodes.put(now.node(), now);
        to.change(new NameChange(directory, name, now.node()));
        made.put(was.node(), now.node());
        fill(to, was.node(), now.node(), random);
        to.live.release(ROOT, now.node(), opened.handle());
      }
    }
  }

  private void fill(Platter to, long old, long now, Random random) throws FsException {
    Content content = content(old);
    Map<Long, byte[]> pages = new TreeMap<>(content.synced);
    long bytes = content.syncedBytes;
    boolean exists = live.hasInode(old);
    if (exists && !content.reshaped && random.nextBoolean()) {
      // Some of what was written since happened to reach the disk.
      for (long page : content.dirty) {
        if (random.nextBoolean()) {
          pages.put(page, page(old, page));
          bytes =
              Math.min(
                  Math.max(bytes, (page + 1) * PAGE_BYTES), live.getattr(ROOT, old).sizeBytes());
        }
      }
    }
    for (Map.Entry<Long, byte[]> page : pages.entrySet()) {
      int length = (int) Math.min(PAGE_BYTES, bytes - page.getKey() * PAGE_BYTES);
      if (length > 0) {
        ByteBuffer source = ByteBuffer.wrap(page.getValue(), 0, length);
        to.live.write(ROOT, now, NONE, page.getKey() * PAGE_BYTES, source, false);
      }
    }
    if (to.live.getattr(ROOT, now).sizeBytes() != bytes) {
      resize(to.live, now, bytes);
    }
    Content kept = to.content(now);
    kept.reshaped = true;
  }

  // ---- for whoever plays the machine that comes up ----

  /** Gives files that consist of this one line another one, synced. */
  synchronized void replaceLine(String line, String by) throws FsException {
    for (long node : List.copyOf(contents.keySet())) {
      byte[] first = page(node, 0);
      if (new String(first, StandardCharsets.UTF_8).replace("\0", "").strip().equals(line)) {
        byte[] text = (by + "\n").getBytes(StandardCharsets.UTF_8);
        live.write(ROOT, node, NONE, 0, ByteBuffer.wrap(text), false);
        resize(live, node, text.length);
        content(node).reshaped = true;
        sync(node);
      }
    }
  }

  private static void resize(ReferenceFileSystem fileSystem, long node, long bytes)
      throws FsException {
    fileSystem.setattr(
        ROOT, node, new AttributeChange(null, null, null, bytes, null, null, null, false, NONE));
  }
}
