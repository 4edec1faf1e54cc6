package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Random;

/** Makes real files of every kind. Paths are ISO-8859-1, a char per byte. */
public final class SourceTree {
  private final Path root;

  public SourceTree(Path root) {
    this.root = root;
  }

  public byte[] path(String path) {
    return (root + "/" + path).getBytes(ISO_8859_1);
  }

  public SourceTree directory(String path, int permissions) throws FsException {
    Posix.makeDirectory(Posix.AT_FDCWD, path(path), 0700);
    Posix.setMode(Posix.AT_FDCWD, path(path), permissions);
    return this;
  }

  public SourceTree file(String path, byte[] content) throws FsException {
    return fileAt(path, 0, content);
  }

  public SourceTree file(String path, String content) throws FsException {
    return file(path, content.getBytes(ISO_8859_1));
  }

  public SourceTree fileAt(String path, long offsetBytes, byte[] content) throws FsException {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_WRONLY;
    try (Descriptor file = Posix.open(Posix.AT_FDCWD, path(path), flags, 0644)) {
      ByteBuffer direct = ByteBuffer.allocateDirect(content.length).put(content).flip();
      Posix.pwriteFully(file.number(), direct, offsetBytes);
    }
    return this;
  }

  public SourceTree truncate(String path, long sizeBytes) throws FsException {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_WRONLY;
    try (Descriptor file = Posix.open(Posix.AT_FDCWD, path(path), flags, 0644)) {
      Posix.truncate(file.number(), sizeBytes);
    }
    return this;
  }

  public SourceTree symlink(String target, String path) throws FsException {
    Posix.makeSymlink(target.getBytes(ISO_8859_1), Posix.AT_FDCWD, path(path));
    return this;
  }

  public SourceTree link(String from, String to) throws FsException {
    Posix.link(Posix.AT_FDCWD, path(from), Posix.AT_FDCWD, path(to), 0);
    return this;
  }

  public SourceTree unlink(String path) throws FsException {
    Posix.unlink(Posix.AT_FDCWD, path(path), 0);
    return this;
  }

  public SourceTree node(FileType type, String path, int rdev) throws FsException {
    Posix.makeNode(Posix.AT_FDCWD, path(path), type.modeBits() | 0600, rdev);
    return this;
  }

  public SourceTree owner(String path, int uid, int gid, int permissions) throws FsException {
    Posix.setOwner(Posix.AT_FDCWD, path(path), uid, gid);
    Posix.setMode(Posix.AT_FDCWD, path(path), permissions);
    return this;
  }

  public SourceTree mtime(String path, FileTime mtime) throws FsException {
    Posix.setTimes(Posix.AT_FDCWD, path(path), Posix.UTIME_OMIT, mtime);
    return this;
  }

  public SourceTree xattr(String path, String name, byte[] value) throws FsException {
    Posix.setXattr(path(path), Name.of(name), value, 0);
    return this;
  }

  public static byte[] random(int bytes, long seed) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return content;
  }

  /** An ACL of mode rwxr-x---, user 1001 read, mask r-x, as its xattr. */
  public static byte[] acl() {
    return HexFormat.of()
        .parseHex(
            "02000000"
                + "01000700ffffffff"
                + "02000400e9030000"
                + "04000500ffffffff"
                + "10000500ffffffff"
                + "20000000ffffffff");
  }

  /** cap_net_raw=ep, as its xattr (vfs_cap_data, revision 2). */
  public static byte[] capability() {
    return HexFormat.of().parseHex("0100000200200000000000000000000000000000");
  }

  /** One of everything that a root filesystem holds. */
  public SourceTree fill() throws FsException {
    directory("etc", 0755)
        .directory("tmp", 01777)
        .directory("shared", 02775)
        .file("etc/empty", "")
        .file("etc/hostname", "node\n")
        .file("etc/big", random(300_000, 1))
        .file("etc/zeros", new byte[200_000])
        .fileAt("etc/sparse", 5_000_000, random(1000, 2))
        .truncate("etc/sparse", 9_000_000)
        .truncate("etc/hole", 1L << 30)
        .symlink("../elsewhere/\u00ff", "etc/link")
        .link("etc/hostname", "shared/hostname2")
        .link("etc/link", "shared/link2")
        .node(FileType.FIFO, "tmp/fifo", 0)
        .node(FileType.SOCKET, "tmp/socket", 0)
        .node(FileType.CHARACTER_DEVICE, "tmp/null", 0x103)
        .node(FileType.BLOCK_DEVICE, "tmp/disk", 0x12345678)
        .file("tmp/not utf-8 \u00e9\u00ff\n", "x")
        .file("tmp/" + "\u00fe".repeat(255), "long")
        .file("etc/setuid", "#!")
        .owner("etc/setuid", 1000, 50, 06755)
        .xattr("etc/setuid", "security.capability", capability())
        .xattr("etc/hostname", "user.note", new byte[] {0, 1, (byte) 0xff})
        .xattr("etc/hostname", "user.empty", new byte[0])
        .xattr("etc/link", "trusted.note", "t".getBytes(ISO_8859_1))
        .xattr("tmp/fifo", "trusted.note", "f".getBytes(ISO_8859_1))
        .xattr("shared", "system.posix_acl_default", acl())
        .xattr("shared/hostname2", "system.posix_acl_access", acl())
        .mtime("etc/hostname", new FileTime(1_234_567_890, 987_654_321))
        .mtime("etc/link", new FileTime(-10, 5))
        .mtime("tmp", new FileTime(5_000_000_000L, 1));
    return this;
  }
}
