package io.mapfs.core.posix;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PosixTest {
  @TempDir Path temporary;
  private Descriptor directory;

  @BeforeEach
  void open() throws FsException {
    directory = Posix.open(temporary.toString(), OpenFlags.O_DIRECTORY, 0);
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private Descriptor create(String name) throws FsException {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW;
    return Posix.open(directory.number(), name.getBytes(UTF_8), flags, 0640);
  }

  private static ByteBuffer direct(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }

  @Test
  void readsWhatWasWritten() throws FsException {
    try (Descriptor file = create("file")) {
      Posix.writeFully(file.number(), direct("hello world"));
      Posix.pwriteFully(file.number(), direct("W"), 6);
      ByteBuffer buffer = ByteBuffer.allocateDirect(32).position(3);
      assertEquals(5, Posix.pread(file.number(), buffer, 6));
      assertEquals(8, buffer.position());
      byte[] got = new byte[5];
      buffer.get(3, got);
      assertEquals("World", new String(got, UTF_8));
      assertEquals(-1, Posix.pread(file.number(), buffer, 11));
      assertEquals(-Errno.EBADF.number(), Posix.readRaw(-1, Posix.address(buffer), 1));
    }
  }

  @Test
  void tellsTheErrnoAndThePath() {
    FsException e =
        assertThrows(
            FsException.class, () -> Posix.status(directory.number(), "no\nthing".getBytes(UTF_8)));
    assertEquals(Errno.ENOENT, e.errno());
    assertTrue(e.getMessage().contains("statx no\\x0athing"), e.getMessage());
  }

  @Test
  void refusesPathsThatCannotBePassed() {
    assertEquals(
        Errno.ENAMETOOLONG,
        assertThrows(FsException.class, () -> Posix.status(directory.number(), new byte[4096]))
            .errno());
    assertEquals(
        Errno.EINVAL,
        assertThrows(FsException.class, () -> Posix.status(directory.number(), new byte[] {'a', 0}))
            .errno());
  }

  @Test
  void keepsTimesModesAndOwners() throws FsException {
    FileTime atime = new FileTime(-5, 123_456_789);
    FileTime mtime = new FileTime(4_000_000_000L, 1);
    byte[] name = "file".getBytes(UTF_8);
    create("file").close();
    Posix.setOwner(directory.number(), name, 12345, -1);
    Posix.setMode(directory.number(), name, 06751);
    Posix.setTimes(directory.number(), name, atime, mtime);
    FileStatus status = Posix.status(directory.number(), name);
    assertEquals(FileType.REGULAR, status.type());
    assertEquals(06751, status.permissions());
    assertEquals(12345, status.uid());
    assertEquals(0, status.gid());
    assertEquals(atime, status.atime());
    assertEquals(mtime, status.mtime());
    assertNotNull(status.ctime());
    assertEquals(1, status.nlink());
    Posix.setTimes(directory.number(), name, Posix.UTIME_OMIT, FileTime.EPOCH);
    assertEquals(atime, Posix.status(directory.number(), name).atime());
    assertEquals(FileTime.EPOCH, Posix.status(directory.number(), name).mtime());
  }

  @Test
  void makesAndListsEveryType() throws FsException {
    int d = directory.number();
    create("file").close();
    Posix.makeDirectory(d, "dir".getBytes(UTF_8), 0755);
    Posix.makeSymlink("../target".getBytes(UTF_8), d, "link".getBytes(UTF_8));
    Posix.makeNode(d, "fifo".getBytes(UTF_8), FileType.FIFO.modeBits() | 0600, 0);
    Posix.makeNode(d, "sock".getBytes(UTF_8), FileType.SOCKET.modeBits() | 0600, 0);
    int device = FileStatus.encodeDevice(259, 70000);
    Posix.makeNode(d, "disk".getBytes(UTF_8), FileType.BLOCK_DEVICE.modeBits() | 0600, device);
    Posix.makeNode(d, "null".getBytes(UTF_8), FileType.CHARACTER_DEVICE.modeBits() | 0666, 0x103);
    Posix.link(d, "file".getBytes(UTF_8), d, "again".getBytes(UTF_8), 0);
    Map<String, FileType> seen = new TreeMap<>();
    DirectoryReader reader = new DirectoryReader(d);
    while (reader.next()) {
      seen.put(reader.name().toString(), reader.type());
    }
    assertEquals(
        Map.of(
            "again", FileType.REGULAR,
            "dir", FileType.DIRECTORY,
            "disk", FileType.BLOCK_DEVICE,
            "fifo", FileType.FIFO,
            "file", FileType.REGULAR,
            "link", FileType.SYMLINK,
            "null", FileType.CHARACTER_DEVICE,
            "sock", FileType.SOCKET),
        seen);
    assertEquals(device, Posix.status(d, "disk".getBytes(UTF_8)).rdev());
    assertEquals(259, FileStatus.major(device));
    assertEquals(70000, FileStatus.minor(device));
    assertEquals(0x103, Posix.status(d, "null".getBytes(UTF_8)).rdev());
    assertEquals(2, Posix.status(d, "file".getBytes(UTF_8)).nlink());
    assertArrayEquals("../target".getBytes(UTF_8), Posix.readLink(d, "link".getBytes(UTF_8)));
  }

  @Test
  void listsLargeDirectoriesAndNamesThatAreNotText() throws FsException {
    int d = directory.number();
    for (int i = 0; i < 3000; i++) {
      create("an entry with a rather long name " + i).close();
    }
    byte[] odd = new byte[255];
    java.util.Arrays.fill(odd, (byte) 0xff);
    Posix.makeDirectory(d, odd, 0700);
    int count = 0;
    boolean found = false;
    DirectoryReader reader = new DirectoryReader(d);
    while (reader.next()) {
      count++;
      found |= reader.name().equals(Name.of(odd));
    }
    assertEquals(3001, count);
    assertTrue(found);
  }

  @Test
  void findsHoles() throws FsException {
    try (Descriptor file = create("sparse")) {
      Posix.pwriteFully(file.number(), direct("x"), 1 << 20);
      Posix.truncate(file.number(), 4 << 20);
      long data = Posix.seekData(file.number(), 0);
      assertTrue(data > 0 && data <= 1 << 20, "data at " + data);
      assertTrue(Posix.seekHole(file.number(), data) > 1 << 20);
      assertEquals(-1, Posix.seekData(file.number(), 3 << 20));
      assertEquals(-1, Posix.seekHole(file.number(), 8 << 20));
      assertEquals(0, Posix.seek(file.number(), 0, Posix.SEEK_SET));
    }
  }

  @Test
  void keepsXattrsOfFilesAndSymlinks() throws FsException {
    Name user = Name.of("user.colour");
    Name trusted = Name.of("trusted.note");
    byte[] value = {0, 1, (byte) 0xff};
    byte[] link = Posix.descriptorPath(directory.number(), Name.of("link"));
    Posix.makeSymlink("nowhere".getBytes(UTF_8), directory.number(), "link".getBytes(UTF_8));
    assertEquals(java.util.List.of(), Posix.xattrNames(link));
    Posix.setXattr(link, trusted, value, 0);
    assertEquals(java.util.List.of(trusted), Posix.xattrNames(link));
    assertArrayEquals(value, Posix.xattr(link, trusted));
    Posix.removeXattr(link, trusted);
    assertNull(Posix.xattr(link, trusted));
    try (Descriptor file = create("file")) {
      Posix.setXattr(file.number(), user, value, Posix.XATTR_CREATE);
      assertEquals(java.util.List.of(user), Posix.xattrNames(file.number()));
      assertArrayEquals(value, Posix.xattr(file.number(), user));
      FsException e =
          assertThrows(
              FsException.class,
              () -> Posix.setXattr(file.number(), user, value, Posix.XATTR_CREATE));
      assertEquals(Errno.EEXIST, e.errno());
    }
  }

  @Test
  void neverFollowsASymlinkUnlessTold() throws FsException {
    Posix.makeSymlink("/etc/passwd".getBytes(UTF_8), directory.number(), "link".getBytes(UTF_8));
    FsException e =
        assertThrows(
            FsException.class,
            () -> Posix.open(directory.number(), "link".getBytes(UTF_8), OpenFlags.O_NOFOLLOW, 0));
    assertEquals(Errno.ELOOP, e.errno());
    int path = OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW;
    try (Descriptor link = Posix.open(directory.number(), "link".getBytes(UTF_8), path, 0)) {
      assertEquals(FileType.SYMLINK, Posix.status(link.number()).type());
    }
  }

  @Test
  void locksRenamesAndSyncs() throws FsException {
    int d = directory.number();
    try (Descriptor one = create("one");
        Descriptor again = Posix.open(d, "one".getBytes(UTF_8), OpenFlags.O_RDWR, 0);
        Descriptor two = create("two")) {
      Posix.flock(one.number(), Posix.LOCK_EX);
      FsException e =
          assertThrows(
              FsException.class, () -> Posix.flock(again.number(), Posix.LOCK_EX | Posix.LOCK_NB));
      assertEquals(Errno.EAGAIN, e.errno());
      Posix.fsync(one.number());
      Posix.fdatasync(two.number());
      Posix.rename(d, bytes("one"), d, bytes("two"), Posix.RENAME_EXCHANGE);
      assertEquals(Posix.status(one.number()).ino(), Posix.status(d, bytes("two")).ino());
      assertThrows(
          FsException.class,
          () -> Posix.rename(d, bytes("one"), d, bytes("two"), Posix.RENAME_NOREPLACE));
    }
    Posix.unlink(d, bytes("one"), 0);
    assertTrue(Posix.fileSystem(d).blocks() > 0);
    assertNotEquals(0, Posix.fileSystemType(d));
  }

  @Test
  void failsOnAClosedDescriptor() throws FsException {
    Descriptor file = create("file");
    file.close();
    file.close();
    assertEquals(
        Errno.EBADF, assertThrows(FsException.class, () -> Posix.fsync(file.number())).errno());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
