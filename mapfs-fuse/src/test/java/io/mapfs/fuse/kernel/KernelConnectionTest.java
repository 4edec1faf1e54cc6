package io.mapfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.DirectorySink;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.ReferenceFileSystem;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.posix.OpenFlags;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class KernelConnectionTest {
  private static final long ROOT = 1;
  private static final FileTime NOW = new FileTime(1_700_000_000, 123_456_789);
  private static final FileClock CLOCK = () -> NOW;

  private final FileSystemOperations files = new ReferenceFileSystem(CLOCK);
  private final Dialogue kernel = Dialogue.ready(files);

  private static String text(ByteBuffer bytes) {
    return StandardCharsets.UTF_8.decode(bytes).toString();
  }

  /** Creates an open file of the root directory; returns {node, handle}. */
  private long[] create(String name) {
    ByteBuffer reply =
        kernel.ok(
            kernel
                .request(Opcode.CREATE, ROOT)
                .u32(OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0100644, 022, 0)
                .name(name));
    return new long[] {reply.getLong(0), reply.getLong(EntryOut.BYTES)};
  }

  private void write(long[] file, long offset, String data) {
    byte[] bytes = data.getBytes(StandardCharsets.UTF_8);
    ByteBuffer reply =
        kernel.ok(
            kernel
                .request(Opcode.WRITE, file[0])
                .u64(file[1], offset)
                .u32(bytes.length, 0)
                .u64(0)
                .u32(0, 0)
                .data(bytes));
    assertEquals(bytes.length, reply.getInt(0));
  }

  private Request read(long[] file, long offset, int size) {
    return kernel.request(Opcode.READ, file[0]).u64(file[1], offset).u32(size, 0).u64(0).u32(0, 0);
  }

  // ---- INIT ----

  @Test
  void agreesOnTheLowerMinorAndOnTheFlagsThatAreWanted() {
    Dialogue fresh = new Dialogue(files, false);
    ByteBuffer out = fresh.ok(fresh.init(7, 38, Dialogue.ALL_FLAGS));
    assertEquals(InitOut.BYTES, out.remaining());
    assertEquals(7, out.getInt(0));
    assertEquals(38, out.getInt(4));
    assertEquals(131072, out.getInt(8));
    long flags = Integer.toUnsignedLong(out.getInt(12));
    assertTrue(InitFlag.WRITEBACK_CACHE.in(flags));
    assertFalse(InitFlag.NO_OPEN_SUPPORT.in(flags));
    assertEquals(0, flags & (1 << 1 | 1 << 10), "no lock flags");
    assertEquals(0, flags & 1 << 12, "no AUTO_INVAL_DATA");
    assertEquals(0, flags & 1 << 14, "no READDIRPLUS_AUTO");
    assertEquals(0, flags & 1 << 15, "no ASYNC_DIO");
    assertEquals(1 << 20, out.getInt(20));
    assertEquals(1, out.getInt(24));
    assertEquals(256, out.getShort(28));
    assertEquals(0, out.getInt(32));
    assertEquals(38, fresh.connection.ready().join().minor());
    assertTrue(fresh.connection.hasWritebackCache());
  }

  @Test
  void asksForNothingThatIsNotOffered() {
    Dialogue fresh = new Dialogue(files, true);
    ByteBuffer out = fresh.ok(fresh.init(7, 31, 1 | 1 << 16 | 1 << 17));
    assertEquals(1 | 1 << 17, out.getInt(12), "read-only: open without messages, no writeback");
  }

  @Test
  void readsTheShortInitOfOldKernels() {
    Dialogue fresh = new Dialogue(files, false);
    fresh.ok(fresh.request(Opcode.INIT, 0).u32(7, 31, 131072, 1));
    assertEquals(31, fresh.connection.ready().join().minor());
  }

  @Test
  void tellsANewerMajorItsOwnAndWaits() {
    Dialogue fresh = new Dialogue(files, false);
    assertEquals(7, fresh.ok(fresh.init(8, 1, 0)).getInt(0));
    assertFalse(fresh.connection.ready().isDone());
    fresh.ok(fresh.init(7, 45, 0));
    assertTrue(fresh.connection.ready().isDone());
  }

  @Test
  void refusesKernelsThatAreTooOld() {
    Dialogue fresh = new Dialogue(files, false);
    fresh.fails(Errno.EINVAL, fresh.init(7, 30, 1));
    assertTrue(fresh.connection.ready().isCompletedExceptionally());
  }

  @Test
  void servesNothingBeforeInitAndInitOnce() {
    Dialogue fresh = new Dialogue(files, false);
    fresh.fails(Errno.EINVAL, fresh.request(Opcode.GETATTR, ROOT).u64(0, 0));
    kernel.fails(Errno.EINVAL, kernel.init(7, 45, 0));
  }

  // ---- Names ----

  @Test
  void looksUpWhatIsThereAndRemembersWhatIsNot() {
    long[] file = create("a");
    ByteBuffer entry = kernel.ok(kernel.request(Opcode.LOOKUP, ROOT).name("a"));
    assertEquals(EntryOut.BYTES, entry.remaining());
    assertEquals(file[0], entry.getLong(0));
    assertEquals(0, entry.getLong(8), "generation");
    assertEquals(AttributesOut.VALID_SECONDS, entry.getLong(16));
    assertEquals(0100644, entry.getInt(40 + 60));
    assertEquals(Request.UID, entry.getInt(40 + 68));
    ByteBuffer none = kernel.ok(kernel.request(Opcode.LOOKUP, ROOT).name("b"));
    assertEquals(0, none.getLong(0));
    assertEquals(AttributesOut.VALID_SECONDS, none.getLong(16));
    assertEquals(ROOT, kernel.ok(kernel.request(Opcode.LOOKUP, ROOT).name("..")).getLong(0));
    assertEquals(ROOT, kernel.ok(kernel.request(Opcode.LOOKUP, ROOT).name(".")).getLong(0));
    kernel.fails(Errno.ENAMETOOLONG, kernel.request(Opcode.LOOKUP, ROOT).name("n".repeat(256)));
  }

  @Test
  void makesMovesAndRemovesNames() {
    ByteBuffer made = kernel.ok(kernel.request(Opcode.MKDIR, ROOT).u32(0777, 022).name("d"));
    long d = made.getLong(0);
    assertEquals(040755, made.getInt(40 + 60), "the umask is the filesystem's to apply");
    kernel.ok(kernel.request(Opcode.MKNOD, d).u32(0020666, 0x103, 0, 0).name("null"));
    kernel.fails(
        Errno.EINVAL, kernel.request(Opcode.MKNOD, d).u32(0040666, 0, 0, 0).name("directory"));
    kernel.ok(kernel.request(Opcode.SYMLINK, d).name("s").name("target"));
    long s = kernel.ok(kernel.request(Opcode.LOOKUP, d).name("s")).getLong(0);
    assertEquals("target", text(kernel.ok(kernel.request(Opcode.READLINK, s))));
    kernel.ok(kernel.request(Opcode.LINK, ROOT).u64(s).name("t"));
    kernel.ok(kernel.request(Opcode.RENAME, ROOT).u64(d).name("t").name("u"));
    kernel.ok(kernel.request(Opcode.RENAME2, d).u64(d).u32(2, 0).name("u").name("null"));
    kernel.fails(
        Errno.EEXIST, kernel.request(Opcode.RENAME2, d).u64(d).u32(1, 0).name("u").name("null"));
    kernel.fails(
        Errno.EINVAL, kernel.request(Opcode.RENAME2, d).u64(d).u32(8, 0).name("u").name("x"));
    kernel.fails(Errno.ENOTEMPTY, kernel.request(Opcode.RMDIR, ROOT).name("d"));
    for (String name : List.of("s", "u", "null")) {
      kernel.ok(kernel.request(Opcode.UNLINK, d).name(name));
    }
    kernel.ok(kernel.request(Opcode.RMDIR, ROOT).name("d"));
  }

  @Test
  void listsWithAndWithoutAttributes() {
    create("a");
    create("long name");
    for (Opcode opcode : List.of(Opcode.READDIR, Opcode.READDIRPLUS)) {
      List<String> names = new ArrayList<>();
      long cookie = 0;
      // A small buffer: the listing goes on where it stopped.
      while (true) {
        ByteBuffer out =
            kernel.ok(kernel.request(opcode, ROOT).u64(0, cookie).u32(340, 0).u64(0).u32(0, 0));
        if (!out.hasRemaining()) {
          break;
        }
        assertTrue(out.remaining() <= 340);
        while (out.hasRemaining()) {
          int start = out.position();
          if (opcode == Opcode.READDIRPLUS) {
            long node = out.getLong(start);
            out.position(start + EntryOut.BYTES);
            boolean dots = out.get(out.position() + 24) == '.';
            assertEquals(dots, node == 0);
          }
          int dirent = out.position();
          cookie = out.getLong(dirent + 8);
          byte[] name = new byte[out.getInt(dirent + 16)];
          out.get(dirent + 24, name);
          names.add(new String(name, StandardCharsets.UTF_8));
          out.position(start + ((dirent - start + 24 + name.length + 7) & ~7));
        }
      }
      assertEquals(List.of(".", "..", "a", "long name"), names.stream().sorted().toList());
    }
  }

  @Test
  void opensNoDirectories() {
    kernel.fails(Errno.ENOSYS, kernel.request(Opcode.OPENDIR, ROOT).u32(0, 0));
    Dialogue old = Dialogue.ready(files, 31, 0, false);
    ByteBuffer out = old.ok(old.request(Opcode.OPENDIR, ROOT).u32(0, 0));
    assertEquals(OpenOut.FOPEN_KEEP_CACHE | OpenOut.FOPEN_CACHE_DIR, out.getInt(8));
    old.ok(old.request(Opcode.RELEASEDIR, ROOT).u64(out.getLong(0)).u32(0, 0).u64(0));
    kernel.ok(kernel.request(Opcode.FSYNCDIR, ROOT).u64(0).u32(0, 0));
  }

  // ---- Files ----

  @Test
  void carriesDataBothWays() {
    long[] file = create("a");
    write(file, 0, "hello");
    write(file, 100000, "far");
    assertEquals("hello", text(kernel.ok(read(file, 0, 5))));
    assertEquals(3, kernel.ok(read(file, 100000, 4096)).remaining(), "short at the end");
    assertEquals(0, kernel.ok(read(file, 200000, 4096)).remaining());
    byte[] large = new byte[KernelConnection.WRITE_BYTES_MAX];
    large[large.length - 1] = 9;
    kernel.ok(
        kernel
            .request(Opcode.WRITE, file[0])
            .u64(file[1], 0)
            .u32(large.length, 0)
            .u64(0)
            .u32(0, 0)
            .data(large));
    ByteBuffer back = kernel.ok(read(file, 0, large.length));
    byte[] copy = new byte[large.length];
    back.get(copy);
    assertArrayEquals(large, copy);
    kernel.fails(Errno.EINVAL, read(file, 0, KernelConnection.WRITE_BYTES_MAX + 8192));
    kernel.fails(Errno.EINVAL, read(file, -1, 10));
  }

  @Test
  void refusesAWriteWhoseSizeIsNotItsData() {
    long[] file = create("a");
    kernel.fails(
        Errno.EINVAL,
        kernel.request(Opcode.WRITE, file[0]).u64(file[1], 0).u32(9, 0).u64(0, 0).data((byte) 1));
    kernel.fails(
        Errno.EINVAL, kernel.request(Opcode.WRITE, file[0]).u64(file[1], 0).u32(-1, 0).u64(0, 0));
  }

  @Test
  void dropsTheCachedModeWhereAWriteClearedIt() {
    long[] file = create("a");
    kernel.ok(
        kernel.request(Opcode.WRITE, file[0]).u64(file[1], 0).u32(1, 4).u64(0, 0).data((byte) 'x'));
    assertEquals(List.of(file[0]), kernel.droppedAttributes);
    kernel.ok(kernel.request(Opcode.OPEN, file[0]).u32(OpenFlags.O_RDWR | OpenFlags.O_TRUNC, 1));
    assertEquals(2, kernel.droppedAttributes.size());
    assertEquals(0, kernel.ok(read(file, 0, 10)).remaining(), "truncated");
  }

  @Test
  void opensForTheCacheWhatWasOpenedForWriting() {
    List<Integer> flags = new ArrayList<>();
    Dialogue probed = Dialogue.ready(recordingOpens(flags));
    long node =
        probed.ok(probed.request(Opcode.MKNOD, ROOT).u32(0100644, 0, 0, 0).name("a")).getLong(0);
    ByteBuffer out =
        probed.ok(
            probed
                .request(Opcode.OPEN, node)
                .u32(OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_TRUNC, 0));
    assertEquals(OpenOut.FOPEN_KEEP_CACHE, out.getInt(8));
    probed.ok(probed.request(Opcode.OPEN, node).u32(OpenFlags.O_RDONLY, 0));
    assertEquals(List.of(OpenFlags.O_RDWR | OpenFlags.O_TRUNC, OpenFlags.O_RDONLY), flags);
  }

  private FileSystemOperations recordingOpens(List<Integer> flags) {
    return filesBut(
        (method, arguments) -> {
          if (method.equals("open")) {
            flags.add((Integer) arguments[2]);
          }
          return null;
        });
  }

  private interface Instead {
    /** The answer, or {@code null} if it is to come from the files. */
    Object answer(String method, Object[] arguments);
  }

  private FileSystemOperations filesBut(Instead instead) {
    return (FileSystemOperations)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {FileSystemOperations.class},
            (proxy, method, arguments) -> {
              Object answer = instead.answer(method.getName(), arguments);
              try {
                return answer == null ? method.invoke(files, arguments) : answer;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void storesWhatIsOfferedWithAnOpenAndDropsTheAccessTimeWithTheRelease() {
    byte[] content = {'a', 'b', 'c'};
    Dialogue offered =
        Dialogue.ready(
            filesBut(
                (method, arguments) -> {
                  if (!method.equals("preload")) {
                    return null;
                  }
                  ((ByteBuffer) arguments[1]).put(content);
                  ((Runnable) arguments[2]).run();
                  return true;
                }));
    long node =
        offered.ok(offered.request(Opcode.MKNOD, ROOT).u32(0100644, 0, 0, 0).name("a")).getLong(0);
    offered.ok(offered.request(Opcode.OPEN, node).u32(OpenFlags.O_RDWR, 0));
    assertEquals(List.of(), offered.stored, "a writer gets nothing");
    long handle =
        offered.ok(offered.request(Opcode.OPEN, node).u32(OpenFlags.O_RDONLY, 0)).getLong(0);
    assertEquals(1, offered.stored.size());
    ByteBuffer message = ByteBuffer.wrap(offered.stored.get(0)).order(ByteOrder.nativeOrder());
    assertEquals(OutHeader.BYTES + 24 + content.length, message.remaining());
    assertEquals(message.remaining(), message.getInt(), "the header's length");
    assertEquals(4, message.getInt(), "FUSE_NOTIFY_STORE");
    assertEquals(0, message.getLong(), "unique");
    assertEquals(node, message.getLong());
    assertEquals(0, message.getLong(), "offset");
    assertEquals(content.length, message.getInt(), "size");
    assertEquals(0, message.getInt(), "padding");
    assertEquals(ByteBuffer.wrap(content), message);
    assertEquals(List.of(), offered.droppedAttributes);
    offered.ok(offered.request(Opcode.RELEASE, node).u64(handle).u32(OpenFlags.O_RDONLY, 0).u64(0));
    assertEquals(List.of(node), offered.droppedAttributes);
  }

  @Test
  void knowsWhichNodesMayHaveDirtyPages() {
    long[] file = create("a");
    assertArrayEquals(new long[] {file[0]}, kernel.connection.writableNodes());
    long second =
        kernel.ok(kernel.request(Opcode.OPEN, file[0]).u32(OpenFlags.O_RDWR, 0)).getLong(0);
    long reading =
        kernel.ok(kernel.request(Opcode.OPEN, file[0]).u32(OpenFlags.O_RDONLY, 0)).getLong(0);
    release(file[0], reading, OpenFlags.O_RDONLY);
    release(file[0], second, OpenFlags.O_RDWR);
    assertEquals(1, kernel.connection.writableNodes().length);
    release(file[0], file[1], OpenFlags.O_RDWR);
    assertEquals(0, kernel.connection.writableNodes().length);
  }

  private void release(long node, long handle, int flags) {
    kernel.ok(kernel.request(Opcode.RELEASE, node).u64(handle).u32(flags, 0).u64(0));
  }

  @Test
  void neverTellsThatAFileWithUnwrittenDataIsOneHole() {
    long[] file = create("a");
    ByteBuffer open = kernel.ok(kernel.request(Opcode.GETATTR, file[0]).u64(0, 0));
    assertEquals(8, open.getLong(16 + 16));
    release(file[0], file[1], OpenFlags.O_RDWR);
    ByteBuffer closed = kernel.ok(kernel.request(Opcode.GETATTR, file[0]).u64(0, 0));
    assertEquals(0, closed.getLong(16 + 16));
  }

  @Test
  void writesBackBeforeItSeeksInAnOpenFile() {
    long[] file = create("a");
    write(file, 0, "data");
    assertEquals(
        0, kernel.ok(kernel.request(Opcode.LSEEK, file[0]).u64(file[1], 0).u32(3, 0)).getLong());
    assertEquals(List.of(file[0]), kernel.writtenBack);
    kernel.fails(Errno.EINVAL, kernel.request(Opcode.LSEEK, file[0]).u64(file[1], 0).u32(0, 0));
    release(file[0], file[1], OpenFlags.O_RDWR);
    kernel.ok(kernel.request(Opcode.LSEEK, file[0]).u64(-1, 0).u32(3, 0));
    assertEquals(1, kernel.writtenBack.size());
  }

  @Test
  void callsAllDataWhereWriteBackCannotBeWaitedFor() {
    Dialogue old = Dialogue.ready(files, 38, Dialogue.ALL_FLAGS, false);
    ByteBuffer reply =
        old.ok(old.request(Opcode.CREATE, ROOT).u32(OpenFlags.O_RDWR, 0644, 0, 0).name("a"));
    long node = reply.getLong(0);
    long handle = reply.getLong(EntryOut.BYTES);
    assertEquals(
        4000, old.ok(old.request(Opcode.LSEEK, node).u64(handle, 4000).u32(3, 0)).getLong());
    assertEquals(
        Dialogue.WRITTEN_BACK_LENGTH,
        old.ok(old.request(Opcode.LSEEK, node).u64(handle, 4000).u32(4, 0)).getLong());
    old.fails(
        Errno.ENXIO,
        old.request(Opcode.LSEEK, node).u64(handle, Dialogue.WRITTEN_BACK_LENGTH).u32(3, 0));
  }

  @Test
  void answersItsOwnWriterWithoutAskingTheFilesystem() {
    FileSystemOperations refusing =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> {
                  throw new FsException(Errno.EIO, method.getName());
                });
    Dialogue own = Dialogue.ready(refusing);
    ByteBuffer open = own.ok(byWriter(own.request(Opcode.OPEN, 5).u32(0, 0)));
    assertEquals(FileSystemOperations.NO_HANDLE, open.getLong(0));
    own.ok(byWriter(own.request(Opcode.FSYNC, 5).u64(-1).u32(0, 0)));
    own.ok(byWriter(own.request(Opcode.RELEASE, 5).u64(-1).u32(0, 0).u64(0)));
    own.fails(Errno.EIO, own.request(Opcode.FSYNC, 5).u64(3).u32(0, 0));
  }

  private static Request byWriter(Request request) {
    return request.pid(Dialogue.WRITER_PID);
  }

  @Test
  void opensNothingWhereTheMountIsReadOnly() {
    long[] file = create("a");
    write(file, 0, "text");
    Dialogue readOnly = Dialogue.ready(files, 45, Dialogue.ALL_FLAGS, true);
    readOnly.fails(Errno.ENOSYS, readOnly.request(Opcode.OPEN, file[0]).u32(0, 0));
    assertFalse(readOnly.connection.hasWritebackCache());
  }

  @Test
  void servesTheRestOfTheFileRequests() {
    long[] file = create("a");
    write(file, 0, "0123456789");
    kernel.fails(Errno.ENOSYS, kernel.request(Opcode.FLUSH, file[0]).u64(file[1], 0, 0));
    kernel.ok(kernel.request(Opcode.FSYNC, file[0]).u64(file[1]).u32(1, 0));
    kernel.ok(kernel.request(Opcode.FALLOCATE, file[0]).u64(file[1], 0, 100).u32(0, 0));
    kernel.fails(
        Errno.EINVAL, kernel.request(Opcode.FALLOCATE, file[0]).u64(file[1], 0, 0).u32(0, 0));
    long[] copy = create("b");
    assertEquals(
        4,
        kernel
            .ok(
                kernel
                    .request(Opcode.COPY_FILE_RANGE, file[0])
                    .u64(file[1], 2, copy[0], copy[1], 0, 4, 0))
            .getInt(0));
    assertEquals(
        2,
        kernel
            .ok(
                kernel
                    .request(Opcode.COPY_FILE_RANGE_64, file[0])
                    .u64(file[1], 0, copy[0], copy[1], 4, 2, 0))
            .getLong(0));
    assertEquals("234501", text(kernel.ok(read(copy, 0, 100))));
    ByteBuffer unnamed =
        kernel.ok(
            kernel.request(Opcode.TMPFILE, ROOT).u32(OpenFlags.O_RDWR, 0100600, 0, 0).name("#1"));
    assertEquals(EntryOut.BYTES + 16, unnamed.remaining());
    kernel.fails(Errno.ENOTTY, kernel.request(Opcode.IOCTL, file[0]).u64(0, 0, 0, 0));
  }

  // ---- Attributes ----

  @Test
  void changesWhatSetattrNames() {
    long[] file = create("a");
    ByteBuffer out =
        kernel.ok(
            setattr(
                file[0],
                SetattrIn.FATTR_MODE
                    | SetattrIn.FATTR_UID
                    | SetattrIn.FATTR_SIZE
                    | SetattrIn.FATTR_MTIME,
                0104755,
                999_999_999));
    assertEquals(16 + AttributesOut.BYTES, out.remaining());
    assertEquals(77, out.getLong(16 + 8), "size");
    assertEquals(1111, out.getLong(16 + 32), "mtime");
    assertEquals(999_999_999, out.getInt(16 + 52), "mtime's nanoseconds");
    assertEquals(0104755, out.getInt(16 + 60) & 0177777);
    assertEquals(42, out.getInt(16 + 68), "uid");
    assertEquals(Request.GID, out.getInt(16 + 72), "gid, which was not named");
    kernel.fails(Errno.EINVAL, setattr(file[0], SetattrIn.FATTR_MTIME, 0, 1_000_000_000));
  }

  private Request setattr(long node, int valid, int mode, int mtimeNanos) {
    return kernel
        .request(Opcode.SETATTR, node)
        .u32(valid, 0)
        .u64(0, 77, 0, 0, 1111, 0)
        .u32(0, mtimeNanos, 0, mode, 0, 42, 43, 0);
  }

  @Test
  void tellsTheBirthByStatx() {
    ByteBuffer out = kernel.ok(kernel.request(Opcode.STATX, ROOT).u32(0, 0).u64(0).u32(0, 0xfff));
    assertEquals(288, out.remaining());
    assertEquals(0xfff, out.getInt(32));
    assertEquals(040755, out.getShort(32 + 28) & 0xffff);
    assertEquals(NOW.seconds(), out.getLong(32 + 80));
    assertEquals(NOW.nanos(), out.getInt(32 + 88));
  }

  @Test
  void keepsExtendedAttributes() {
    long[] file = create("a");
    kernel.ok(
        kernel
            .request(Opcode.SETXATTR, file[0])
            .u32(5, 0, 0, 0)
            .name("user.k")
            .data("value".getBytes(StandardCharsets.UTF_8)));
    assertEquals("value", text(kernel.ok(getxattr(file[0], 100, "user.k"))));
    assertEquals(5, kernel.ok(getxattr(file[0], 0, "user.k")).getInt(0));
    kernel.fails(Errno.ERANGE, getxattr(file[0], 4, "user.k"));
    kernel.fails(Errno.ENODATA, getxattr(file[0], 4, "user.none"));
    assertEquals(
        "user.k\0", text(kernel.ok(kernel.request(Opcode.LISTXATTR, file[0]).u32(100, 0))));
    kernel.ok(kernel.request(Opcode.REMOVEXATTR, file[0]).name("user.k"));
    assertEquals(0, kernel.ok(kernel.request(Opcode.LISTXATTR, file[0]).u32(0, 0)).getInt(0));
    kernel.fails(
        Errno.EINVAL,
        kernel.request(Opcode.SETXATTR, file[0]).u32(6, 0, 0, 0).name("user.k").data((byte) 1));
  }

  private Request getxattr(long node, int size, String name) {
    return kernel.request(Opcode.GETXATTR, node).u32(size, 0).name(name);
  }

  @Test
  void readsTheShortSetxattrWhereThatWasAgreed() {
    Dialogue old = Dialogue.ready(files, 32, 0, false);
    old.ok(old.request(Opcode.SETXATTR, ROOT).u32(1, 0).name("user.k").data((byte) 'v'));
    assertEquals("v", text(old.ok(old.request(Opcode.GETXATTR, ROOT).u32(9, 0).name("user.k"))));
  }

  // ---- The connection ----

  @Test
  void answersStatfsSyncfsAndDestroy() {
    assertEquals(80, kernel.ok(kernel.request(Opcode.STATFS, ROOT)).remaining());
    assertEquals(0, kernel.ok(kernel.request(Opcode.SYNCFS, ROOT).u64(0)).remaining());
    assertEquals(0, kernel.ok(kernel.request(Opcode.DESTROY, 0)).remaining());
  }

  @Test
  void forgetsInSilence() {
    long[] file = create("a");
    kernel.silent(kernel.request(Opcode.FORGET, file[0]).u64(1));
    kernel.silent(kernel.request(Opcode.BATCH_FORGET, 0).u32(2, 0).u64(file[0], 1, ROOT, 1));
    kernel.silent(kernel.request(Opcode.BATCH_FORGET, 0).u32(1000, 0).u64(file[0], 1));
    kernel.silent(kernel.request(Opcode.FORGET, file[0]));
  }

  @Test
  void answersWhatItDoesNotKnowWithEnosys() {
    for (int opcode : new int[] {0, 7, 31, 34, 37, 40, 41, 48, 54, 4096, -1, Integer.MIN_VALUE}) {
      kernel.fails(Errno.ENOSYS, Request.ofNumber(opcode, 2, ROOT).u64(0, 0, 0, 0));
    }
  }

  @Test
  void answersEveryRequestThatIsTooShort() {
    for (Opcode opcode : Opcode.values()) {
      for (int length = 0; length < opcode.bodyBytesMin(); length++) {
        Request request = kernel.request(opcode, ROOT).data(new byte[length]);
        if (opcode == Opcode.FORGET || opcode == Opcode.BATCH_FORGET) {
          kernel.silent(request);
        } else {
          kernel.fails(Errno.EINVAL, request);
        }
      }
    }
    assertFalse(kernel.serve(new byte[39]), "without a header there is nobody to answer");
  }

  @Test
  void turnsFaultsIntoEioAndLivesOn() {
    FileSystemOperations faulty =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> {
                  throw method.getName().equals("getattr")
                      ? new IllegalStateException("a fault")
                      : new StackOverflowError();
                });
    Dialogue dialogue = Dialogue.ready(faulty);
    dialogue.fails(Errno.EIO, dialogue.request(Opcode.GETATTR, ROOT).u64(0, 0));
    dialogue.fails(Errno.EIO, dialogue.request(Opcode.LOOKUP, ROOT).name("a"));
    dialogue.fails(Errno.EIO, dialogue.request(Opcode.GETATTR, ROOT).u64(0, 0));
  }

  @Test
  void keepsTheEntriesThatWereTakenBeforeAFailure() {
    FileSystemOperations failing =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> {
                  if ((Long) arguments[3] == 0) {
                    ((DirectorySink) arguments[5])
                        .accept(new byte[] {'a'}, 5, FileType.REGULAR, 1, null);
                  }
                  throw new FsException(Errno.ETIMEDOUT, "network");
                });
    Dialogue dialogue = Dialogue.ready(failing);
    assertEquals(
        32,
        dialogue
            .ok(dialogue.request(Opcode.READDIR, ROOT).u64(0, 0).u32(4096, 0).u64(0, 0))
            .remaining());
    dialogue.fails(
        Errno.ETIMEDOUT, dialogue.request(Opcode.READDIR, ROOT).u64(0, 1).u32(4096, 0).u64(0, 0));
  }

  @Test
  void interruptsTheRequestThatWaits() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    FileSystemOperations waitingFiles =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> {
                  RequestContext context = (RequestContext) arguments[0];
                  CountDownLatch interrupted = new CountDownLatch(1);
                  context.onInterrupt(interrupted::countDown);
                  waiting.countDown();
                  assertTrue(interrupted.await(60, TimeUnit.SECONDS));
                  assertTrue(context.isInterrupted());
                  throw new FsException(Errno.EINTR, "waited");
                });
    Dialogue dialogue = Dialogue.ready(waitingFiles);
    Exchange other = dialogue.connection.newExchange();
    Request stat = Request.of(Opcode.GETATTR, 1000, ROOT).u64(0, 0);
    Thread server = new Thread(() -> dialogue.fails(Errno.EINTR, stat));
    server.start();
    waiting.await();
    byte[] interrupt = Request.of(Opcode.INTERRUPT, 1001, 0).u64(1000).toBytes();
    other.requestBuffer().put(interrupt);
    assertFalse(dialogue.connection.serve(other, interrupt.length), "delivered: nothing to say");
    server.join();
  }

  @Test
  void keepsAnInterruptThatComesBeforeItsRequest() {
    boolean[] seen = new boolean[1];
    FileSystemOperations asking =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> {
                  seen[0] = ((RequestContext) arguments[0]).isInterrupted();
                  throw new FsException(Errno.EINTR, "interrupted");
                });
    Dialogue dialogue = Dialogue.ready(asking);
    dialogue.fails(Errno.EAGAIN, Request.of(Opcode.INTERRUPT, 1001, 0).u64(1000));
    dialogue.fails(Errno.EINTR, Request.of(Opcode.GETATTR, 998, ROOT).u64(0, 0));
    assertFalse(seen[0]);
    dialogue.fails(Errno.EINTR, Request.of(Opcode.GETATTR, 1000, ROOT).u64(0, 0));
    assertTrue(seen[0]);
  }

  @Test
  void passesTheCallerOn() {
    List<String> callers = new ArrayList<>();
    FileSystemOperations asking =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> {
                  RequestContext c = (RequestContext) arguments[0];
                  callers.add(c.uid() + " " + c.gid() + " " + c.pid() + " " + c.umask());
                  throw new FsException(Errno.EROFS, "no");
                });
    Dialogue dialogue = Dialogue.ready(asking);
    dialogue.fails(Errno.EROFS, dialogue.request(Opcode.MKDIR, ROOT).u32(0777, 027).name("d"));
    dialogue.fails(Errno.EROFS, dialogue.request(Opcode.UNLINK, ROOT).name("d"));
    assertEquals(List.of("1000 1001 4711000 23", "1000 1001 4711000 0"), callers);
  }

  @Test
  void leavesExtensionsOutOfTheBody() {
    byte[] request =
        kernel
            .request(Opcode.MKDIR, ROOT)
            .u32(0755, 0)
            .name("name")
            .data(new byte[3])
            .u64(1, 2)
            .toBytes();
    ByteBuffer.wrap(request)
        .order(ByteOrder.nativeOrder())
        .putShort(InHeader.EXTENSIONS, (short) 2);
    assertTrue(kernel.serve(request));
    assertEquals(0, kernel.exchange.reply().getInt(OutHeader.ERROR));
  }

  @Test
  void sealsNotifications() {
    ByteBuffer inode = Notification.invalidateInode(7, 4096, -1);
    assertEquals(40, inode.remaining());
    assertEquals(40, inode.getInt(0));
    assertEquals(2, inode.getInt(4));
    assertEquals(0, inode.getLong(8));
    assertEquals(7, inode.getLong(16));
    ByteBuffer entry = Notification.invalidateEntry(9, Name.of("ab"));
    assertEquals(16 + 16 + 3, entry.remaining());
    assertEquals(3, entry.getInt(4));
    assertEquals(2, entry.getInt(24));
  }
}
