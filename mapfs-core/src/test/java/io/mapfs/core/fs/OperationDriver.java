package io.mapfs.core.fs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Runs generated steps on a reference filesystem and on a subject, and compares results and errnos.
 * Without a subject it only brings the reference to where the steps lead.
 */
public final class OperationDriver {
  private static final Name[] NAMES = {
    Name.of("a"),
    Name.of("b"),
    Name.of("c"),
    Name.of("d"),
    Name.of("etc"),
    Name.of("usr"),
    Name.of("lib"),
    Name.of("passwd"),
    Name.of("big"),
    Name.of("hard"),
    Name.of("acl"),
    Name.of(new byte[] {(byte) 0xC3, 0x28}),
  };
  private static final Name[] XATTRS = {
    Name.of("user.one"),
    Name.of("user.two"),
    Name.of("trusted.three"),
    Name.of("security.capability"),
    Name.of("system.unknown"),
  };
  private static final int[] PERMISSIONS = {0644, 0755, 0600, 04755, 02755, 02775, 01777, 06711};
  private static final RequestContext[] CONTEXTS = {
    new TestContext(0, 0, 0), new TestContext(0, 0, 022), new TestContext(1000, 1001, 027)
  };
  private static final byte[][] ACLS = {
    AclXattr.of(new int[][] {{1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {0x10, 7, -1}, {0x20, 4, -1}}),
    AclXattr.of(new int[][] {{1, 6, -1}, {4, 4, -1}, {0x20, 0, -1}}),
    AclXattr.of(),
    AclXattr.of(new int[][] {{1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {0x20, 4, -1}}),
  };

  /** A node that was looked up in both, so that its counts are the same. */
  private static final class Known {
    final long reference;
    final long subject;
    final FileType type;
    long lookups;

    Known(long reference, long subject, FileType type) {
      this.reference = reference;
      this.subject = subject;
      this.type = type;
    }
  }

  private record Open(Known known, long reference, long subject) {}

  private record Outcome(Object value, Errno errno) {}

  /** A call on one of the two. */
  private interface Call {
    Object run(FileSystemOperations fs, boolean isSubject) throws FsException;
  }

  private final ReferenceFileSystem reference;
  private FileSystemOperations subject;
  private final List<Known> known = new ArrayList<>();
  private final List<Open> open = new ArrayList<>();
  private final Map<Long, Long> subjectInos = new HashMap<>();
  private final Map<Long, Long> referenceInos = new HashMap<>();

  public OperationDriver(ReferenceFileSystem reference, FileSystemOperations subject) {
    this.reference = reference;
    this.subject = subject;
    known.add(new Known(NodeId.ROOT, NodeId.ROOT, FileType.DIRECTORY));
  }

  /** Goes on with the subject as it was mounted anew; nothing is looked up or open. */
  public void remounted(FileSystemOperations mounted) {
    subject = mounted;
  }

  /** Forgets and closes everything. */
  public void reset() {
    for (Open each : open) {
      reference.release(CONTEXTS[0], each.known.reference, each.reference);
      if (subject != null) {
        subject.release(CONTEXTS[0], each.known.subject, each.subject);
      }
    }
    open.clear();
    for (Known each : known.subList(1, known.size())) {
      reference.forget(each.reference, each.lookups);
      if (subject != null) {
        subject.forget(each.subject, each.lookups);
      }
    }
    known.subList(1, known.size()).clear();
  }

  /** Runs a step. */
  public void run(Step s) throws FsException {
    RequestContext context = CONTEXTS[s.d() % CONTEXTS.length];
    switch (s.kind()) {
      case LOOKUP ->
          entry((fs, x) -> fs.lookup(context, dir(s.a(), x), NAMES[s.b() % NAMES.length]));
      case CREATE -> {
        int flags = 2 | (s.c() % 3 == 0 ? 0200 : 0) | (s.c() % 5 == 0 ? 01000 : 0);
        int permissions = PERMISSIONS[s.c() % PERMISSIONS.length];
        opened((fs, x) -> fs.create(context, dir(s.a(), x), name(s), permissions, flags));
      }
      case MKDIR -> {
        int permissions = PERMISSIONS[s.c() % PERMISSIONS.length];
        entry((fs, x) -> fs.mkdir(context, dir(s.a(), x), name(s), permissions));
      }
      case SYMLINK -> {
        byte[] target = new byte[s.c() % 7 == 0 ? 0 : 1 + s.c() % 200];
        Arrays.fill(target, (byte) 't');
        entry((fs, x) -> fs.symlink(context, dir(s.a(), x), name(s), target));
      }
      case MKNOD -> {
        int[] types = {0010000, 0020000, 0060000, 0100000, 0140000, 0040000, 0120000};
        int mode = types[s.c() % types.length] | 0640;
        entry((fs, x) -> fs.mknod(context, dir(s.a(), x), name(s), mode, 0x103));
      }
      case TMPFILE ->
          opened((fs, x) -> fs.tmpfile(context, dir(s.a(), x), 0600, s.c() % 3 == 0 ? 0202 : 2));
      case UNLINK -> done((fs, x) -> fs.unlink(context, dir(s.a(), x), name(s)));
      case RMDIR -> done((fs, x) -> fs.rmdir(context, dir(s.a(), x), name(s)));
      case RENAME -> {
        int[] all = {0, 0, 0, 0, 1, 2, 2, 4, 3};
        int flags = all[s.d() % all.length];
        Name to = NAMES[(s.b() / 100) % NAMES.length];
        done((fs, x) -> fs.rename(context, dir(s.a(), x), name(s), dir(s.c(), x), to, flags));
      }
      case LINK -> entry((fs, x) -> fs.link(context, any(s.c(), x), dir(s.a(), x), name(s)));
      case CHMOD ->
          attributes(
              s.a(),
              new AttributeChange(
                  PERMISSIONS[s.b() % PERMISSIONS.length],
                  null,
                  null,
                  null,
                  null,
                  null,
                  null,
                  false,
                  FileSystemOperations.NO_HANDLE));
      case CHOWN ->
          attributes(
              s.a(),
              new AttributeChange(
                  null,
                  s.b() % 2 == 0 ? 1000 : null,
                  s.b() % 3 == 0 ? 1001 : null,
                  null,
                  null,
                  null,
                  null,
                  s.c() % 4 == 0,
                  FileSystemOperations.NO_HANDLE));
      case TIMES ->
          attributes(
              s.a(),
              new AttributeChange(
                  null,
                  null,
                  null,
                  null,
                  new FileTime(s.b(), s.c()),
                  new FileTime(s.c(), s.b()),
                  null,
                  false,
                  FileSystemOperations.NO_HANDLE));
      case TRUNCATE -> {
        long size = s.b() % 3 == 0 ? s.c() % 500_000 : s.c() % 20 * 4096L + (s.c() % 2) * 17L;
        attributes(
            s.d() % 8 == 0 ? s.a() : file(s.a()),
            new AttributeChange(
                s.c() % 5 == 0 ? PERMISSIONS[s.b() % PERMISSIONS.length] : null,
                s.c() % 7 == 0 ? 1000 : null,
                null,
                s.b() % 50 == 0 ? -1 : size,
                null,
                s.c() % 6 == 0 ? new FileTime(s.c(), s.b()) : null,
                null,
                s.b() % 7 == 0,
                FileSystemOperations.NO_HANDLE));
      }
      case OPEN -> {
        int at = s.b() % 5 == 0 ? s.a() : file(s.a());
        Known node = known.get(at % known.size());
        int flags = (s.c() % 3) | (s.c() % 10 == 0 ? 01000 : 0);
        Object[] handles = new Object[2];
        compare(
            (fs, x) -> {
              handles[x ? 1 : 0] = fs.open(context, x ? node.subject : node.reference, flags);
              return null;
            });
        if (handles[0] != null) {
          open.add(new Open(node, (Long) handles[0], handles[1] == null ? 0 : (Long) handles[1]));
        }
      }
      case RELEASE -> {
        if (!open.isEmpty()) {
          Open gone = open.remove(s.a() % open.size());
          done(
              (fs, x) ->
                  fs.release(
                      context,
                      x ? gone.known.subject : gone.known.reference,
                      x ? gone.subject : gone.reference));
        }
      }
      case WRITE -> {
        byte[] bytes = new byte[length(s.b())];
        new Random(s.c()).nextBytes(bytes);
        int at = file(s.a());
        boolean clear = s.d() % 5 == 0;
        compare(
            (fs, x) ->
                fs.write(
                    context,
                    any(at, x),
                    FileSystemOperations.NO_HANDLE,
                    offset(s.c()),
                    ByteBuffer.wrap(bytes),
                    clear));
      }
      case READ -> {
        int at = file(s.a());
        compare((fs, x) -> content(fs, any(at, x), offset(s.b()), length(s.c()) * 2));
      }
      case FALLOCATE -> {
        int[] modes = {0, 1, 3, 3, 3, 16, 16, 17, 2};
        int mode = modes[s.d() % modes.length];
        int at = file(s.a());
        done(
            (fs, x) ->
                fs.fallocate(
                    context,
                    any(at, x),
                    FileSystemOperations.NO_HANDLE,
                    mode,
                    offset(s.b()),
                    length(s.c()) * 3L));
      }
      case COPY -> {
        int from = file(s.a());
        int to = file(s.b());
        compare(
            (fs, x) ->
                fs.copyFileRange(
                    context,
                    any(from, x),
                    FileSystemOperations.NO_HANDLE,
                    offset(s.c()),
                    any(to, x),
                    FileSystemOperations.NO_HANDLE,
                    offset(s.d()),
                    length(s.d())));
      }
      case SEEK -> seek(file(s.a()), offset(s.b()), s.c() % 2 == 0);
      case SET_XATTR -> {
        byte[] value = new byte[s.c() % 50 == 0 ? 65_537 : s.c() % 300];
        Name name = XATTRS[s.b() % XATTRS.length];
        int flags = s.d() % 4 == 0 ? s.d() % 3 : 0;
        done((fs, x) -> fs.setxattr(context, any(s.a(), x), name, value, flags, false));
      }
      case SET_ACL -> {
        byte[] acl = ACLS[s.c() % ACLS.length];
        Name name = s.b() % 2 == 0 ? PosixAcl.ACCESS : PosixAcl.DEFAULT;
        boolean clear = s.d() % 2 == 0;
        done((fs, x) -> fs.setxattr(context, any(s.a(), x), name, acl, 0, clear));
      }
      case REMOVE_XATTR -> {
        Name name = s.c() % 4 == 0 ? PosixAcl.ACCESS : XATTRS[s.b() % XATTRS.length];
        done((fs, x) -> fs.removexattr(context, any(s.a(), x), name));
      }
      case XATTRS -> compare((fs, x) -> xattrs(fs, any(s.a(), x)));
      case READDIR -> compare((fs, x) -> list(fs, dir(s.a(), x), 1 + s.b() % 4));
      case READLINK -> compare((fs, x) -> new String(fs.readlink(context, any(s.a(), x)), UTF_8));
      case GETATTR -> compare((fs, x) -> shown(fs.getattr(context, any(s.a(), x))));
      case FORGET -> forget(s.a());
      case SYNC ->
          done((fs, x) -> fs.fsync(context, NodeId.ROOT, FileSystemOperations.NO_HANDLE, false));
      case RESET -> reset();
      case CUT, REMOUNT, CRASH, FETCH_HEAD -> {
        // The subject's own business.
      }
    }
  }

  // ---- comparing ----

  private Outcome outcome(Call call, FileSystemOperations fs, boolean isSubject) {
    try {
      return new Outcome(call.run(fs, isSubject), null);
    } catch (FsException e) {
      return new Outcome(null, e.errno());
    }
  }

  private Outcome compare(Call call) {
    Outcome expected = outcome(call, reference, false);
    if (subject != null) {
      Outcome actual = outcome(call, subject, true);
      assertEquals(expected.errno, actual.errno, "errno (value " + actual.value + ")");
      assertTrue(
          Objects.deepEquals(expected.value, actual.value),
          () -> "expected " + text(expected.value) + " but was " + text(actual.value));
    }
    return expected;
  }

  private static String text(Object value) {
    if (value instanceof byte[] bytes) {
      return bytes.length + " bytes, hash " + Arrays.hashCode(bytes);
    }
    return String.valueOf(value);
  }

  private interface Action {
    void run(FileSystemOperations fs, boolean isSubject) throws FsException;
  }

  private void done(Action action) {
    compare(
        (fs, x) -> {
          action.run(fs, x);
          return null;
        });
  }

  private interface EntryCall {
    Attributes run(FileSystemOperations fs, boolean isSubject) throws FsException;
  }

  /** A call that looks a node up. */
  private void entry(EntryCall call) {
    Attributes[] results = new Attributes[2];
    compare(
        (fs, x) -> {
          Attributes result = call.run(fs, x);
          results[x ? 1 : 0] = result;
          return result == null ? null : shown(result);
        });
    if (results[0] != null) {
      know(results[0], results[1]);
    }
  }

  private interface OpenedCall {
    Opened run(FileSystemOperations fs, boolean isSubject) throws FsException;
  }

  private void opened(OpenedCall call) {
    Opened[] results = new Opened[2];
    compare(
        (fs, x) -> {
          Opened result = call.run(fs, x);
          results[x ? 1 : 0] = result;
          return shown(result.attributes());
        });
    if (results[0] != null) {
      Known node =
          know(results[0].attributes(), results[1] == null ? null : results[1].attributes());
      open.add(new Open(node, results[0].handle(), results[1] == null ? 0 : results[1].handle()));
    }
  }

  private Known know(Attributes expected, Attributes actual) {
    long subjectNode = actual == null ? 0 : actual.node();
    if (actual != null) {
      sameInode(expected.ino(), actual.ino());
    }
    for (Known each : known) {
      if (each.reference == expected.node()) {
        each.lookups++;
        return each;
      }
    }
    Known made = new Known(expected.node(), subjectNode, expected.type());
    made.lookups = 1;
    known.add(made);
    return made;
  }

  /** Two inode numbers name the same file: always, and no other. */
  private void sameInode(long expected, long actual) {
    Long before = subjectInos.putIfAbsent(expected, actual);
    Long back = referenceInos.putIfAbsent(actual, expected);
    assertTrue(
        (before == null || before == actual) && (back == null || back == expected),
        () -> "inode " + expected + " was " + before + ", is now " + actual);
  }

  /** Every path of a tree with what must be equal of it. */
  public static SortedMap<String, String> text(FileSystemOperations fs) throws FsException {
    TreeMap<String, String> text = new TreeMap<>();
    text(fs, NodeId.ROOT, "", text);
    return text;
  }

  private static void text(
      FileSystemOperations fs, long node, String path, SortedMap<String, String> text)
      throws FsException {
    Attributes at = fs.getattr(CONTEXTS[0], node);
    StringBuilder line = new StringBuilder(shown(at)).append(' ').append(xattrs(fs, node));
    switch (at.type()) {
      case REGULAR -> line.append(Arrays.hashCode(content(fs, node, 0, (int) at.sizeBytes())));
      case SYMLINK -> line.append(Arrays.hashCode(fs.readlink(CONTEXTS[0], node)));
      case DIRECTORY -> {
        for (Name name : list(fs, node, 1_000).keySet()) {
          if (name.isValidEntry()) {
            Attributes child = fs.lookup(CONTEXTS[0], node, name);
            text(fs, child.node(), path + "/" + name, text);
            fs.forget(child.node(), 1);
          }
        }
      }
      default -> {}
    }
    text.put(path, line.toString());
  }

  /** What must be equal of attributes. Access times are not: reads move them. */
  private static String shown(Attributes a) {
    boolean directory = a.type() == FileType.DIRECTORY;
    return String.format(
        "%s %o %d:%d nlink %d rdev %x size %d mtime %s ctime %s btime %s",
        a.type(),
        a.permissions(),
        a.uid(),
        a.gid(),
        a.nlink(),
        a.rdev(),
        directory ? 0 : a.sizeBytes(),
        a.mtime(),
        a.ctime(),
        a.btime());
  }

  private void attributes(int at, AttributeChange change) {
    compare((fs, x) -> shown(fs.setattr(CONTEXTS[0], any(at, x), change)));
  }

  private static byte[] content(FileSystemOperations fs, long node, long offset, int length)
      throws FsException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    int count = fs.read(CONTEXTS[0], node, FileSystemOperations.NO_HANDLE, offset, buffer);
    assertEquals(count, buffer.position());
    return Arrays.copyOf(buffer.array(), count);
  }

  private static Map<Name, Integer> xattrs(FileSystemOperations fs, long node) throws FsException {
    Map<Name, Integer> found = new TreeMap<>();
    byte[] names = fs.listxattr(CONTEXTS[0], node);
    int start = 0;
    for (int i = 0; i < names.length; i++) {
      if (names[i] == 0) {
        Name name = Name.of(Arrays.copyOfRange(names, start, i));
        found.put(name, Arrays.hashCode(fs.getxattr(CONTEXTS[0], node, name)));
        start = i + 1;
      }
    }
    return found;
  }

  /** Names and types; read a few at a time, so that cookies are used. */
  private static Map<Name, FileType> list(FileSystemOperations fs, long node, int atATime)
      throws FsException {
    Map<Name, FileType> found = new TreeMap<>();
    long[] cookie = {0};
    while (true) {
      int[] taken = {0};
      fs.readdir(
          CONTEXTS[0],
          node,
          FileSystemOperations.NO_HANDLE,
          cookie[0],
          false,
          (name, ino, type, next, attributes) -> {
            if (taken[0] == atATime) {
              return false;
            }
            taken[0]++;
            if (found.put(Name.of(name), type) != null) {
              fail("listed twice: " + Name.of(name));
            }
            cookie[0] = next;
            return true;
          });
      if (taken[0] == 0) {
        return found;
      }
    }
  }

  /** Data and holes may be told as coarsely as the subject likes, but holes must read as zeros. */
  private void seek(int at, long offset, boolean data) throws FsException {
    if (subject == null) {
      return;
    }
    int whence = data ? FileSystemOperations.SEEK_DATA : FileSystemOperations.SEEK_HOLE;
    long none = FileSystemOperations.NO_HANDLE;
    Outcome expected =
        outcome(
            (fs, x) -> fs.lseek(CONTEXTS[0], any(at, false), none, offset, whence),
            reference,
            false);
    Outcome actual =
        outcome(
            (fs, x) -> fs.lseek(CONTEXTS[0], any(at, true), none, offset, whence), subject, true);
    if (expected.errno != null) {
      assertEquals(expected.errno, actual.errno);
      return;
    }
    long size = reference.getattr(CONTEXTS[0], any(at, false)).sizeBytes();
    if (actual.errno != null) {
      assertEquals(Errno.ENXIO, actual.errno);
      assertTrue(data);
    }
    long end = actual.errno != null ? size : (Long) actual.value;
    assertTrue(end >= offset && end <= size, "seek to " + end);
    if (data) {
      byte[] skipped = content(reference, any(at, false), offset, (int) (end - offset));
      assertArrayEquals(new byte[skipped.length], skipped, "a hole that has data");
    }
  }

  private void forget(int at) {
    if (known.size() == 1) {
      return;
    }
    Known gone = known.get(1 + at % (known.size() - 1));
    if (open.stream().anyMatch(each -> each.known == gone)) {
      return;
    }
    known.remove(gone);
    reference.forget(gone.reference, gone.lookups);
    if (subject != null) {
      subject.forget(gone.subject, gone.lookups);
    }
  }

  /** Compares both trees whole. */
  public void compareTrees() throws FsException {
    compareTree(NodeId.ROOT, NodeId.ROOT, "");
  }

  private void compareTree(long expected, long actual, String path) throws FsException {
    RequestContext context = CONTEXTS[0];
    Attributes one = reference.getattr(context, expected);
    Attributes two = subject.getattr(context, actual);
    assertEquals(shown(one), shown(two), path);
    sameInode(one.ino(), two.ino());
    assertEquals(xattrs(reference, expected), xattrs(subject, actual), path);
    switch (one.type()) {
      case REGULAR -> {
        int size = (int) one.sizeBytes();
        byte[] wanted = content(reference, expected, 0, size);
        assertArrayEquals(wanted, content(subject, actual, 0, size), path);
        boolean zeros = Arrays.equals(wanted, new byte[wanted.length]);
        assertTrue(zeros || two.allocatedBytes() > 0, path);
      }
      case SYMLINK ->
          assertArrayEquals(
              reference.readlink(context, expected), subject.readlink(context, actual), path);
      case DIRECTORY -> {
        Map<Name, FileType> names = list(reference, expected, 1_000);
        assertEquals(names, list(subject, actual, 3), path);
        for (Name name : names.keySet()) {
          if (name.isValidEntry()) {
            Attributes first = reference.lookup(context, expected, name);
            Attributes second = subject.lookup(context, actual, name);
            compareTree(first.node(), second.node(), path + "/" + name);
            reference.forget(first.node(), 1);
            subject.forget(second.node(), 1);
          }
        }
      }
      default -> {}
    }
  }

  // ---- picking ----

  private static Name name(Step s) {
    return NAMES[s.b() % NAMES.length];
  }

  private long any(int at, boolean isSubject) {
    Known node = known.get(at % known.size());
    return isSubject ? node.subject : node.reference;
  }

  /** Mostly a directory. */
  private long dir(int at, boolean isSubject) {
    for (int i = 0; i < known.size() && at % 16 != 0; i++) {
      Known node = known.get((at + i) % known.size());
      if (node.type == FileType.DIRECTORY) {
        return isSubject ? node.subject : node.reference;
      }
    }
    return any(at, isSubject);
  }

  /** The place of a regular file if any is known. */
  private int file(int at) {
    for (int i = 0; i < known.size() && at % 16 != 0; i++) {
      int place = (at + i) % known.size();
      if (known.get(place).type == FileType.REGULAR) {
        return place;
      }
    }
    return at;
  }

  private static long offset(int number) {
    return switch (number % 4) {
      case 0 -> number % 30 * 4096L;
      case 1 -> number % 400_000;
      case 2 -> number % 100;
      default -> number % 5 * 131_072L;
    };
  }

  private static int length(int number) {
    return switch (number % 6) {
      case 0 -> 1 + number % 10;
      case 1 -> 4096 * (1 + number % 40);
      case 2 -> 1 + number % 300_000;
      case 3 -> 0;
      default -> 1 + number % 9_000;
    };
  }
}
