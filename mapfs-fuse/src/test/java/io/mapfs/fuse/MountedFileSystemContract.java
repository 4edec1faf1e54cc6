package io.mapfs.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.function.Executable;

/**
 * What programs may expect of a mount, whichever front end makes it: real system calls from this
 * process and from a shell, against a daemon in a process of its own. Every case has a directory of
 * its own in one shared mount.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class MountedFileSystemContract {
  /** What a front end may be unable to do; its test says so in {@link #lacks}. */
  protected enum Feature {
    ACL,
    BIRTH_TIME,
    CHEAP_WRITES,
    FALLOCATE,
    FILE_HANDLES,
    INVALIDATION,
    INTERRUPTS_READS,
    MOUNT_BARRIER,
    RENAME_FLAGS,
    SEEK_HOLES,
    SETID_CLEARING,
    TMPFILE
  }

  private static final int USER = 12345;

  private TestMount mount;
  private Path dir;

  /** The front end's name. */
  protected abstract String frontEnd();

  /** What it cannot do, by its nature. */
  protected Set<Feature> lacks() {
    return EnumSet.noneOf(Feature.class);
  }

  @BeforeAll
  void mount() throws IOException {
    TestMount.assumePossible();
    mount = TestMount.start(frontEnd());
    assertTrue(mount.greeting().startsWith("ready "), mount.greeting());
  }

  @AfterAll
  void unmount() throws IOException {
    if (mount != null) {
      mount.close();
    }
  }

  @BeforeEach
  void enterDirectory(TestInfo test) throws IOException {
    dir = Files.createDirectory(mount.path().resolve(test.getTestMethod().get().getName()));
  }

  private String sh(String script) throws IOException, InterruptedException {
    return TestMount.shIn(dir, script);
  }

  /** Asks the daemon about a file of this case's directory. */
  private String ask(String command, String name, String... more) throws IOException {
    String path = dir.getFileName() + "/" + name;
    return mount.ask(String.join(" ", command, path, String.join(" ", more)).trim());
  }

  private byte[] path(String name) {
    return Posix.bytes(dir.resolve(name).toString());
  }

  private Descriptor open(String name, int flags) throws FsException {
    return Posix.open(Posix.AT_FDCWD, path(name), flags, 0644);
  }

  private void needs(Feature feature) {
    Assumptions.assumeFalse(lacks().contains(feature), frontEnd() + " lacks " + feature);
  }

  private static void assertErrno(Errno expected, Executable call) {
    assertEquals(expected, assertThrows(FsException.class, call).errno());
  }

  private static ByteBuffer direct(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }

  // ---- Data ----

  @Test
  void createsWritesAndReads() throws Exception {
    assertEquals("hello", sh("echo hello >a; cat a"));
    assertEquals("a", sh("ls"));
    assertEquals("6 1", sh("stat -c '%s %h' a"));
  }

  @Test
  void overwritesTheMiddleAndReadsEverythingElseUnchanged() throws Exception {
    sh(
        "head -c 300000 /dev/urandom >a; cp a /tmp/mapfs-contract-$$; "
            + "for at in 0 4095 131071 299990; do "
            + "printf XYZ | dd of=a bs=1 seek=$at conv=notrunc status=none; "
            + "printf XYZ | dd of=/tmp/mapfs-contract-$$ bs=1 seek=$at conv=notrunc status=none; done; "
            + "cmp a /tmp/mapfs-contract-$$; rm /tmp/mapfs-contract-$$");
  }

  @Test
  void carriesLargeFilesThrough() throws Exception {
    assertEquals(
        "same",
        sh(
            "head -c 30000000 /dev/urandom >a; s=$(sha256sum <a); sync a; "
                + "d=$(dd if=a iflag=direct bs=1M status=none | sha256sum); "
                + "test \"$s\" = \"$d\"; echo same"));
  }

  @Test
  void appendsFromTwoProcessesWithoutLoss() throws Exception {
    assertEquals(
        "2000",
        sh(
            "w() { for i in $(seq 1000); do echo \"$1 $i\" >>a; done; }; w x & w y; wait; "
                + "sort -u a | wc -l"));
  }

  @Test
  void truncatesAndExtends() throws Exception {
    assertEquals("abc", sh("echo -n abcdef >a; truncate -s 3 a; cat a"));
    assertEquals("616263000000", sh("truncate -s 6 a; od -An -tx1 a | tr -d ' \\n'"));
    assertEquals("0", sh("echo -n abc >b; : >b; stat -c %s b"));
    assertEquals("abc", sh("echo -n abcdefgh >c; echo -n abc >c; cat c"));
  }

  /** What is written in the tick in which the file was made is handed over in a later one. */
  @Test
  void keepsTheTimesThatProgramsSaw() throws Exception {
    assertEquals(
        "same",
        sh(
            "for i in 1 2 3 4 5 6 7 8; do exec 8>a$i; echo x >&8; sleep 0.02; exec 8>&-; done; "
                + "s=$(stat -c '%Y %y %z' a*); sync a*; echo 2 >/proc/sys/vm/drop_caches; "
                + "test \"$s\" = \"$(stat -c '%Y %y %z' a*)\"; echo same"));
  }

  @Test
  void refusesWhatOpenFlagsForbid() throws Exception {
    sh("echo x >a; ln -s a link; mkdir d");
    assertErrno(Errno.EEXIST, () -> open("a", OpenFlags.O_CREAT | OpenFlags.O_EXCL));
    assertErrno(Errno.ENOTDIR, () -> open("a", OpenFlags.O_DIRECTORY));
    assertErrno(Errno.ELOOP, () -> open("link", OpenFlags.O_NOFOLLOW));
    assertErrno(Errno.EISDIR, () -> open("d", OpenFlags.O_RDWR));
    assertErrno(Errno.ENOENT, () -> open("none", OpenFlags.O_RDONLY));
  }

  @Test
  void keepsAnUnlinkedFileForItsDescriptors() throws Exception {
    assertEquals(
        "one two 0",
        sh(
            "exec 3<>f; rm f; echo -n 'one two' >&3; cat /proc/$$/fd/3; "
                + "stat -L -c ' %h' /proc/$$/fd/3"));
    assertEquals("", sh("ls"));
  }

  @Test
  void sharesMapsAndWrites() throws Exception {
    try (FileChannel channel =
        FileChannel.open(
            dir.resolve("a"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, 10000);
      map.put(5000, (byte) 'm');
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, 5000);
      assertEquals('m', one.get(0));
      channel.write(ByteBuffer.wrap(new byte[] {'w'}), 9000);
      assertEquals('w', map.get(9000));
      map.force();
    }
    assertEquals(
        "m w",
        sh(
            "dd if=a bs=1 skip=5000 count=1 status=none; echo -n ' '; "
                + "dd if=a bs=1 skip=9000 count=1 status=none"));
  }

  @Test
  void runsProgramsAndProtectsTheirText() throws Exception {
    assertEquals("ran", sh("cp /bin/echo e; ./e ran"));
    assertEquals(
        "busy",
        sh(
            "cp /bin/sleep s; ./s 5 & p=$!; until grep -q '(s)' /proc/$p/stat; do :; done; "
                + "(echo >>s) 2>/dev/null || echo busy; kill $p; wait $p 2>/dev/null || true"));
  }

  @Test
  void copiesRangesBetweenFiles() throws Exception {
    sh(
        "head -c 1000000 /dev/urandom >a; cp --reflink=auto a b; cmp a b; "
            + "cat a >>b; test $(stat -c %s b) = 2000000; tail -c 1000000 b | cmp - a");
  }

  @Test
  void keepsFilesSparse() throws Exception {
    assertEquals(
        "1073741824 ok",
        sh("truncate -s 1G a; printf end | dd of=a bs=1 seek=1073741821 conv=notrunc status=none; "
                + "sync a; stat -c %s a; test $(stat -c %b a) -lt 4096; "
                + "test \"$(tail -c 3 a)\" = end; echo ok")
            .replace('\n', ' '));
  }

  @Test
  void seeksHolesInClosedFiles() throws Exception {
    needs(Feature.SEEK_HOLES);
    sh("truncate -s 10M a; printf x | dd of=a bs=1 seek=1048576 conv=notrunc status=none");
    try (Descriptor file = open("a", OpenFlags.O_RDONLY)) {
      assertTrue(Posix.seekData(file.number(), 0) <= 1 << 20);
      assertEquals(1 << 20, Posix.seekData(file.number(), 1 << 20));
      assertTrue(Posix.seekHole(file.number(), 1 << 20) > 1 << 20);
      assertEquals(-1, Posix.seekData(file.number(), 10 << 20));
    }
  }

  @Test
  void seeksDataThatTheKernelStillHolds() throws Exception {
    needs(Feature.SEEK_HOLES);
    try (Descriptor file = open("a", OpenFlags.O_CREAT | OpenFlags.O_RDWR)) {
      Posix.pwriteFully(file.number(), direct("data"), 1 << 20);
      long data = Posix.seekData(file.number(), 0);
      assertTrue(data <= 1 << 20, "data at " + data);
      assertTrue(Posix.seekHole(file.number(), 1 << 20) >= (1 << 20) + 4);
      assertEquals((1 << 20) + 4, Posix.seekHole(file.number(), (1 << 20) + 2));
      assertTrue(Posix.status(file.number()).blocks() > 0, "st_blocks of a file with dirty data");
    }
    assertEquals(
        "same",
        sh(
            "exec 3<>b; printf data >&3; cp --sparse=auto b c; cmp b c; "
                + "tar -S -cf - b | tar -xOf - | cmp - b; echo same"));
  }

  @Test
  void allocatesPunchesAndZeroes() throws Exception {
    needs(Feature.FALLOCATE);
    assertEquals("8192", sh("fallocate -l 8192 a; stat -c %s a"));
    assertEquals("8192", sh("fallocate -n -l 100000 a; stat -c %s a"));
    assertEquals(
        "xxxx 4096 zeros then x",
        sh(
            "yes x | tr -d '\\n' | head -c 12288 >b; fallocate -p -o 4096 -l 4096 b; "
                + "head -c 4 b; dd if=b bs=4096 skip=1 count=1 status=none | "
                + "cmp -n 4096 - /dev/zero && echo -n ' 4096 zeros then '; tail -c 1 b"));
    assertEquals("0", sh("fallocate -z -o 0 -l 4096 b; head -c 4096 b | tr -d '\\0' | wc -c"));
    try (Descriptor file = open("b", OpenFlags.O_RDWR)) {
      // FALLOC_FL_COLLAPSE_RANGE
      assertErrno(Errno.EOPNOTSUPP, () -> Posix.allocate(file.number(), 8, 0, 4096));
    }
  }

  @Test
  void locksFiles() throws Exception {
    assertEquals("locked", sh("touch a; exec 3<a; flock 3; flock -n a true || echo locked"));
    assertEquals("free", sh("flock -n a echo free"));
  }

  // ---- Names ----

  @Test
  void renamesReplacesAndRefuses() throws Exception {
    assertEquals("new", sh("echo old >a; echo new >b; mv b a; cat a; test ! -e b"));
    assertEquals("f", sh("mkdir -p d/e; touch d/e/f; mv d x; ls x/e; test ! -e d"));
    sh("mkdir full empty; touch full/f");
    assertErrno(
        Errno.ENOTEMPTY,
        () -> Posix.rename(Posix.AT_FDCWD, path("empty"), Posix.AT_FDCWD, path("full"), 0));
    assertErrno(
        Errno.EINVAL,
        () -> Posix.rename(Posix.AT_FDCWD, path("x"), Posix.AT_FDCWD, path("x/e/y"), 0));
    assertErrno(
        Errno.EISDIR,
        () -> Posix.rename(Posix.AT_FDCWD, path("a"), Posix.AT_FDCWD, path("empty"), 0));
  }

  @Test
  void movesDirectoriesAndTheirParent() throws Exception {
    assertEquals(
        "same",
        sh(
            "mkdir -p a/sub b; mv a/sub b/; "
                + "test $(stat -c %i b/sub/..) = $(stat -c %i b); test $(stat -c %h a) = 2; "
                + "test $(stat -c %h b) = 3; echo same"));
  }

  @Test
  void exchangesNames() throws Exception {
    needs(Feature.RENAME_FLAGS);
    sh("echo one >a; mkdir d; echo in >d/f");
    Posix.rename(Posix.AT_FDCWD, path("a"), Posix.AT_FDCWD, path("d"), Posix.RENAME_EXCHANGE);
    assertEquals("one in", sh("echo $(cat d) $(cat a/f)"));
    assertErrno(
        Errno.EEXIST,
        () ->
            Posix.rename(
                Posix.AT_FDCWD, path("a"), Posix.AT_FDCWD, path("d"), Posix.RENAME_NOREPLACE));
  }

  @Test
  void linksShareTheirInode() throws Exception {
    assertEquals(
        "2 same more 1",
        sh("echo some >a; ln a b; echo more >b; stat -c %h a; "
                + "test $(stat -c %i a) = $(stat -c %i b) && echo same; cat a; rm a; stat -c %h b")
            .replace('\n', ' '));
    assertEquals("refused", sh("mkdir d; ln d e 2>/dev/null || echo refused"));
  }

  @Test
  void keepsSymlinksAsTheyAre() throws Exception {
    String target = "x/".repeat(2000) + "y";
    Files.createSymbolicLink(dir.resolve("long"), Path.of(target));
    assertEquals(target, Files.readSymbolicLink(dir.resolve("long")).toString());
    assertEquals("nowhere 7", sh("ln -s nowhere a; readlink a; stat -c %s a").replace('\n', ' '));
    assertErrno(Errno.ENOENT, () -> open("a", OpenFlags.O_RDONLY));
    sh("ln -s loop loop");
    assertErrno(Errno.ELOOP, () -> open("loop", OpenFlags.O_RDONLY));
  }

  @Test
  void takesAnyBytesAndLongNames() throws Exception {
    String longest = "n".repeat(255);
    sh("touch " + longest + "; test -e " + longest);
    assertErrno(
        Errno.ENAMETOOLONG, () -> open("n".repeat(256), OpenFlags.O_CREAT | OpenFlags.O_RDWR));
    assertEquals(
        "ok", sh("echo ok >$'a\\xff\\xfe\\nb'; test $(ls | wc -l) -ge 2; cat $'a\\xff\\xfe\\nb'"));
  }

  @Test
  void makesUnnamedFilesAndNamesThem() throws Exception {
    needs(Feature.TMPFILE);
    int flags = OpenFlags.O_TMPFILE | OpenFlags.O_RDWR;
    try (Descriptor file = Posix.open(Posix.AT_FDCWD, path("."), flags, 0640)) {
      Posix.writeFully(file.number(), direct("unnamed"));
      assertEquals(0, Posix.status(file.number()).nlink());
      Posix.link(
          Posix.AT_FDCWD,
          Posix.descriptorPath(file.number()),
          Posix.AT_FDCWD,
          path("named"),
          Posix.AT_SYMLINK_FOLLOW);
      assertEquals(1, Posix.status(file.number()).nlink());
    }
    assertEquals("unnamed", sh("cat named"));
  }

  @Test
  void listsTenThousandEntriesWhileTheyGo() throws Exception {
    sh("seq 10000 | xargs touch; test $(ls | wc -l) = 10000");
    Set<String> seen = new HashSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        assertTrue(seen.add(name), name + " was listed twice");
        if (Integer.parseInt(name) % 2 == 0) {
          Files.delete(entry);
        }
      }
    }
    assertEquals(10000, seen.size());
    assertEquals("5000", sh("ls | wc -l"));
    assertEquals("0", sh("rm -f -- *; ls | wc -l"));
  }

  @Test
  void remembersThatANameIsNotThereUntilItIs() throws Exception {
    assertEquals("yes", sh("test ! -e a; test ! -e a; touch a; test -e a && echo yes"));
    assertEquals("no", sh("rm a; test -e a || echo no"));
  }

  @Test
  void removesOnlyWhatMayGo() throws Exception {
    sh("mkdir -p d/e; touch f");
    assertErrno(Errno.ENOTEMPTY, () -> Posix.unlink(Posix.AT_FDCWD, path("d"), Posix.AT_REMOVEDIR));
    assertErrno(Errno.ENOTDIR, () -> Posix.unlink(Posix.AT_FDCWD, path("f"), Posix.AT_REMOVEDIR));
    assertErrno(Errno.EISDIR, () -> Posix.unlink(Posix.AT_FDCWD, path("d"), 0));
  }

  @Test
  void carriesATreeThroughTar() throws Exception {
    sh(
        "tar -C /etc -cf - . | tar -xpf -; "
            + "diff -r --no-dereference /etc . ; cp -a . ../carriesATreeThroughTar2; "
            + "diff -r --no-dereference . ../carriesATreeThroughTar2; "
            + "rm -rf ../carriesATreeThroughTar2");
  }

  @Test
  void bearsAGitRepository() throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/git")), "needs git");
    assertEquals(
        "clean",
        sh(
            "export HOME=$PWD; git init -q .; mkdir s; for i in $(seq 200); do echo $i >s/$i; done; "
                + "git add .; git -c user.name=t -c user.email=t@t commit -qm x; git gc -q; git fsck; "
                + "test -z \"$(git status --porcelain)\" && echo clean"));
  }

  // ---- Attributes ----

  @Test
  void keepsTimesToTheNanosecond() throws Exception {
    assertEquals(
        "1999-12-31 23:59:59.123456789 +0000",
        sh("touch a; TZ=UTC touch -d '1999-12-31 23:59:59.123456789' a; TZ=UTC stat -c %y a"));
    assertEquals("-1000", sh("touch -d @-1000 a; stat -c %Y a"));
  }

  @Test
  void tellsTheFilesystemTheTimesThatTheKernelKept() throws Exception {
    needs(Feature.MOUNT_BARRIER);
    String stat = sh("echo a >f; sleep 0.1; echo b >>f; stat -c %.9Y f");
    assertEquals(stat, ask("mtime", "f"));
    sh("exec 3<>g; sleep 0.1; echo a >&3; sleep 0.1; touch -d @1234567890.5 g; stat -c %.9Y g");
    assertEquals("1234567890.500000000", ask("mtime", "g"));
  }

  @Test
  void tellsTheBirth() throws Exception {
    needs(Feature.BIRTH_TIME);
    assertEquals("yes", sh("touch a; test $(stat -c %W a) -gt 1600000000 && echo yes"));
  }

  @Test
  void changesOwnersAndModes() throws Exception {
    assertEquals(
        "12345 54321 2755", sh("touch a; chown 12345:54321 a; chmod 2755 a; stat -c '%u %g %a' a"));
    assertEquals("777", sh("umask 0; mkdir d; stat -c %a d"));
    assertEquals("640", sh("umask 027; touch m; stat -c %a m"));
  }

  @Test
  void clearsSetidOnWriteTruncateAndChown() throws Exception {
    needs(Feature.SETID_CLEARING);
    String user = "setpriv --reuid=" + USER + " --regid=" + USER + " --clear-groups ";
    sh(
        "chmod 777 .; for f in w t o c; do cp /bin/true $f; chown 12345:12345 $f; chmod 6755 $f; done");
    assertEquals("755", sh(user + "sh -c 'printf x >>w'; stat -c %a w"));
    assertEquals("755", sh(user + "truncate -s 10 t; stat -c %a t"));
    assertEquals("755", sh(user + "sh -c ': >o'; stat -c %a o"));
    assertEquals("755", sh("chown 1:1 c; stat -c %a c"));
    sh("for f in a p; do cp /bin/true $f; chown 12345:12345 $f; chmod 6755 $f; done");
    assertEquals("755", sh(user + "fallocate -l 100000 a; stat -c %a a"));
    assertEquals("755", sh(user + "fallocate -p -l 5000 p; stat -c %a p"));
    assertEquals("6755", sh("cp /bin/true r; chmod 6755 r; echo x >>r; stat -c %a r"));
  }

  @Test
  void dropsCapabilitiesOnWriteAndTruncation() throws Exception {
    needs(Feature.SETID_CLEARING);
    assertEquals(
        "gone",
        sh(
            "cp /bin/true t; setcap cap_net_raw+ep t; getcap t | grep -q net_raw; "
                + "truncate -s 100 t; test -z \"$(getcap t)\" && echo gone"));
    // Set while the kernel holds pages of before: its writing them back is no write.
    assertEquals(
        "kept",
        sh(
            "cp /bin/true k; exec 3<>k; printf x >&3; setcap cap_net_raw+ep k; "
                + "exec 3>&-; getcap k | grep -q net_raw && echo kept"));
    assertEquals(
        "gone",
        sh(
            "cp /bin/true a; setcap cap_net_raw+ep a; getcap a | grep -q net_raw; "
                + "echo x >>a; test -z \"$(getcap a)\" && echo gone"));
  }

  @Test
  void asksForNoCapabilitiesAtEachWrite() throws Exception {
    needs(Feature.CHEAP_WRITES);
    long before = Long.parseLong(mount.ask("calls getxattr"));
    sh("exec 3>f; for i in $(seq 500); do echo $i >&3; done; chmod 6755 f; sync f; echo x >>f");
    assertTrue(Long.parseLong(mount.ask("calls getxattr")) - before < 10);
  }

  @Test
  void inheritsTheGroupOfSetgidDirectories() throws Exception {
    assertEquals(
        "54321 54321 2755",
        sh("mkdir d; chgrp 54321 d; chmod 2755 d; touch d/f; mkdir d/s; "
                + "stat -c %g d/f; stat -c '%g %a' d/s")
            .replace('\n', ' '));
  }

  @Test
  void deniesWhatModesDeny() throws Exception {
    String user = "setpriv --reuid=" + USER + " --regid=" + USER + " --clear-groups ";
    sh(
        "echo secret >a; chmod 600 a; mkdir sticky; chmod 1777 sticky; touch sticky/f; mkdir p; "
            + "chmod 700 p; touch p/f");
    assertEquals("denied", sh(user + "cat a 2>/dev/null || echo denied"));
    assertEquals("denied", sh(user + "rm -f sticky/f 2>/dev/null || echo denied"));
    assertEquals("denied", sh(user + "stat p/f 2>/dev/null || echo denied"));
    assertEquals("12345", sh(user + "touch sticky/mine; stat -c %u sticky/mine"));
  }

  @Test
  void keepsExtendedAttributes() throws Exception {
    assertEquals(
        "v1", sh("touch a; setfattr -n user.k -v v1 a; getfattr --only-values -n user.k a"));
    assertEquals(
        "trusted.t user.k",
        sh("setfattr -n trusted.t -v x a; getfattr -m - a | grep -v '^#' | sort | xargs"));
    byte[] large = new byte[60000];
    large[59999] = 7;
    Name key = Name.of("user.large");
    Posix.setXattr(path("a"), key, large, 0);
    assertArrayEquals(large, Posix.xattr(path("a"), key));
    assertErrno(Errno.EEXIST, () -> Posix.setXattr(path("a"), key, large, Posix.XATTR_CREATE));
    assertErrno(
        Errno.ENODATA,
        () -> Posix.setXattr(path("a"), Name.of("user.none"), large, Posix.XATTR_REPLACE));
    assertEquals(
        "gone", sh("setfattr -x user.k a; getfattr -n user.k a >/dev/null 2>&1 || echo gone"));
  }

  @Test
  void obeysAccessControlLists() throws Exception {
    needs(Feature.ACL);
    String user = "setpriv --reuid=" + USER + " --regid=" + USER + " --clear-groups ";
    sh("echo secret >a; chmod 600 a; setfacl -m u:12345:r a");
    assertEquals("secret", sh(user + "cat a"));
    assertEquals("640", sh("stat -c %a a"));
    assertEquals("user:12345:r--", sh("getfacl -n a 2>/dev/null | grep 12345"));
    assertEquals("denied", sh("chmod 600 a; " + user + "cat a 2>/dev/null || echo denied"));
    assertEquals(
        "user:12345:rwx #effective:rw- 660",
        sh("mkdir d; setfacl -d -m u::rwx,g::r-x,o::---,u:12345:rwx d; umask 077; touch d/f; "
                + "getfacl -n d/f 2>/dev/null | grep user:12345 | xargs; stat -c %a d/f")
            .replace('\n', ' '));
    assertEquals("default:user:12345:rwx", sh("mkdir d/s; getfacl -n d/s | grep default:user:1"));
  }

  @Test
  void makesSpecialFiles() throws Exception {
    assertEquals(
        "character special file 1 3, block special file 7 1234567, fifo",
        sh("mknod c c 1 3; mknod b b 7 1048575; mkfifo p; stat -c '%F %Hr %Lr' c; "
                + "stat -c '%F %Hr %Lr' b; stat -c %F p")
            .replace("1048575", "1234567")
            .replace("\n", ", "));
    assertEquals("through", sh("(echo through >p &) ; cat p; echo lost >c"));
    assertEquals(
        "socket",
        sh(
            "perl -e 'use Socket; socket(S,PF_UNIX,SOCK_STREAM,0); "
                + "bind(S, sockaddr_un(\"s\")) or die; print -S \"s\" ? \"socket\" : \"no\"'"));
  }

  @Test
  void answersStatfs() throws Exception {
    assertEquals("255 fuseblk".substring(0, 3), sh("stat -f -c %l ."));
    sh("df . >/dev/null");
  }

  // ---- The daemon beneath ----

  @Test
  void writesBackWhatIsOpenAtTheMountBarrier() throws Exception {
    needs(Feature.MOUNT_BARRIER);
    String fsyncs = mount.ask("calls fsync");
    Path file = dir.resolve("open");
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap("written".getBytes(StandardCharsets.US_ASCII)));
      MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 100000, 10);
      map.put(3, (byte) 'M');
      mount.ask("sync");
      assertEquals("100010", ask("size", "open"));
      assertEquals("77726974", ask("bytes", "open", "0", "4"));
      assertEquals("4d", ask("bytes", "open", "100003", "1"));
      assertEquals(sh("stat -c %.9Y open"), ask("mtime", "open"));
      // A map that outlives its descriptor's own close is written back too.
      map.put(4, (byte) 'N');
      mount.ask("sync");
      assertEquals("4e", ask("bytes", "open", "100004", "1"));
      Files.delete(file);
      map.put(5, (byte) 'O');
      mount.ask("sync");
    }
    assertEquals(fsyncs, mount.ask("calls fsync"), "the barrier's own fsync is no program's");
  }

  @Test
  void holdsTheBarrierWhileOthersWrite() throws Exception {
    needs(Feature.MOUNT_BARRIER);
    Process writer =
        new ProcessBuilder(
                "bash", "-c", "exec 3>\"$0\"; while echo line >&3; do :; done", dir + "/log")
            .start();
    try {
      sh("until test -s log; do sleep 0.05; done");
      for (int i = 0; i < 5; i++) {
        sh("exec 3<>f" + i + "; echo -n data >&3; stat -c %s log >size");
        mount.ask("sync");
        long before = Long.parseLong(sh("cat size"));
        assertTrue(Long.parseLong(ask("size", "log")) >= before);
      }
    } finally {
      writer.destroyForcibly().waitFor();
    }
  }

  @Test
  void failsABarrierThatTakesTooLongAndHoldsTheNext() throws Exception {
    needs(Feature.MOUNT_BARRIER);
    try (TestMount slow = TestMount.start(frontEnd(), "deadline=5")) {
      slow.sh("echo x >a");
      slow.ask("stall fsync 600000");
      // fsync holds the inode's lock while it waits for the filesystem.
      Process user =
          new ProcessBuilder("bash", "-c", "cd \"$0\"; exec 3>>a; sync a", slow.path().toString())
              .start();
      while (slow.ask("calls fsync").equals("0")) {
        Thread.sleep(20);
      }
      assertTrue(slow.tell("sync").startsWith("failed "));
      assertEquals("alive", slow.sh("echo alive >b; cat b"));
      slow.ask("stall none 0");
      user.destroyForcibly().waitFor();
      slow.ask("sync");
    }
  }

  @Test
  void startsTheProcessBehindTheBarrierAgain() throws Exception {
    needs(Feature.MOUNT_BARRIER);
    try (FileChannel channel =
        FileChannel.open(dir.resolve("a"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[10]));
      mount.ask("sync");
      sh("kill -9 $(pgrep -P " + mount.pid() + " -f SyncHelper)");
      channel.write(ByteBuffer.wrap(new byte[10]));
      mount.ask("sync");
      assertEquals("20", ask("size", "a"));
    }
  }

  @Test
  void syncsWhatIsStillOpenAfterALazyUnmount() throws Exception {
    needs(Feature.MOUNT_BARRIER);
    try (TestMount lazy = TestMount.start(frontEnd());
        FileChannel channel =
            FileChannel.open(
                lazy.path().resolve("a"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[10]));
      TestMount.shIn(Path.of("/"), "umount -l " + lazy.path());
      // The process behind it is started now, when no path leads to the mount any more.
      lazy.ask("sync");
      assertEquals("10", lazy.ask("size a"));
      channel.write(ByteBuffer.wrap(new byte[10]));
      lazy.ask("sync");
      assertEquals("20", lazy.ask("size a"));
    }
  }

  @Test
  void passesFsyncOn() throws Exception {
    long before = Long.parseLong(mount.ask("calls fsync"));
    sh("echo x >a; sync a");
    assertEquals(before + 1, Long.parseLong(mount.ask("calls fsync")));
    assertEquals("2", ask("size", "a"));
  }

  @Test
  void showsWhatWasInvalidated() throws Exception {
    needs(Feature.INVALIDATION);
    sh("echo -n before >a; sync a; cat a");
    ask("poke", "a", "AFTER!");
    assertEquals("before", sh("cat a"));
    ask("inode", "a");
    assertEquals(
        "AFTER!",
        sh(
            "for i in $(seq 100); do test $(cat a) = AFTER! && break; "
                + "sleep 0.05; done; cat a"));
  }

  @Test
  void interruptsAReadThatWaits() throws Exception {
    needs(Feature.INTERRUPTS_READS);
    sh("echo -n data >a; sync a; dd of=a oflag=nocache conv=notrunc,fdatasync count=0 status=none");
    mount.ask("stall read 50000");
    try {
      assertEquals("124", sh("timeout 1 dd if=a iflag=direct of=/dev/null status=none || echo $?"));
    } finally {
      mount.ask("stall read 0");
    }
  }

  @Test
  void letsACallWaitThroughSignalsThatAProgramHandles() throws Exception {
    mount.ask("stall fsync 3000");
    try {
      assertEquals(
          "1 synced",
          sh(
              "perl -MIO::Handle -e 'open F, \">a\"; print F \"x\"; F->flush;"
                  + " $SIG{ALRM} = sub { $n++ }; alarm 1; F->sync or die \"$!\"; print \"$n synced\"'"));
    } finally {
      mount.ask("stall none 0");
    }
  }

  @Test
  void servesOthersWhileManyRequestsWait() throws Exception {
    sh("for i in $(seq 20); do echo $i >f$i; done; sync f*");
    mount.ask("stall read 2000");
    try {
      assertEquals(
          "20 done",
          sh("for i in $(seq 20); do dd if=f$i iflag=direct of=/dev/null status=none & done; "
                  + "mkdir meanwhile; touch meanwhile/x; ls -l >/dev/null; echo 20; wait; echo done")
              .replace('\n', ' '));
    } finally {
      mount.ask("stall read 0");
    }
  }

  // ---- Life and death ----

  @Test
  void answersAFaultWithEioTellsItOnceAndLivesOn() throws Exception {
    try (TestMount faulty = TestMount.start(frontEnd())) {
      faulty.sh("echo data >a; sync a; mkdir d");
      faulty.ask("fault readlink");
      faulty.sh("ln -s target link");
      for (int i = 0; i < 3; i++) {
        assertEquals("failed", faulty.sh("readlink link >/dev/null || echo failed"));
        assertErrno(
            Errno.EIO, () -> Posix.readLink(Posix.AT_FDCWD, Posix.bytes(faulty.path() + "/link")));
        assertEquals("data", faulty.sh("cat a; touch d/new" + i));
      }
      faulty.ask("fault setattr");
      assertErrno(
          Errno.EIO, () -> Posix.setMode(Posix.AT_FDCWD, Posix.bytes(faulty.path() + "/a"), 0600));
      faulty.ask("fault none");
      assertEquals("target 3", faulty.sh("echo $(readlink link) $(ls d | wc -l)"));
      List<String> told = faulty.log().stream().filter(line -> line.contains("told once")).toList();
      assertEquals(2, told.size(), faulty.log()::toString);
      String first = told.get(0).toLowerCase(Locale.ROOT);
      assertTrue(first.contains("readlink") && first.contains(" of "), first);
      assertEquals(
          2,
          faulty.log().stream().filter(line -> line.contains("a fault that is planted")).count());
    }
  }

  @Test
  void refusesChangesWhereItIsReadOnly() throws Exception {
    try (TestMount readOnly = TestMount.start(frontEnd(), "ro")) {
      assertEquals("refused", readOnly.sh("touch a 2>/dev/null || echo refused"));
      assertEquals("", readOnly.sh("ls"));
    }
  }

  @Test
  void unmountsEvenWhatIsInUse() throws Exception {
    TestMount busy = TestMount.start(frontEnd());
    Process user =
        new ProcessBuilder(
                "bash", "-c", "cd \"$0\"; echo in; exec sleep 60", busy.path().toString())
            .start();
    try {
      assertEquals('i', user.getInputStream().read());
      busy.close();
      assertTrue(
          Files.readString(Path.of("/proc/self/mountinfo"))
              .lines()
              .noneMatch(line -> line.contains(busy.path().toString())));
    } finally {
      user.destroyForcibly();
    }
  }

  @Test
  void leavesAMountThatFailsAndCanBeMountedAgainWhenKilled() throws Exception {
    TestMount killed = TestMount.start(frontEnd());
    try {
      killed.sh("touch a");
      killed.kill();
      assertEquals(
          "dead",
          TestMount.shIn(
              Path.of("/"),
              "cat " + killed.path() + "/a 2>&1 | grep -q 'Transport endpoint' && echo dead"));
      try (TestMount again = TestMount.startAt(killed.path(), frontEnd())) {
        assertTrue(again.greeting().startsWith("ready "), again.greeting());
        assertEquals("", again.sh("ls"));
      }
    } finally {
      killed.close();
    }
  }

  @Test
  void saysWhatIsWrongWithAMountPoint() throws Exception {
    Path base = Files.createTempDirectory("mapfs-test");
    try {
      assertRefused(base.resolve("none"), "does not exist");
      Path file = Files.createFile(base.resolve("file"));
      assertRefused(file, "is not a directory");
      assertRefused(base, "is not empty");
      assertRefused(mount.path(), "is already mounted");
    } finally {
      Files.delete(base.resolve("file"));
      Files.delete(base);
    }
  }

  private void assertRefused(Path mountPoint, String reason) throws Exception {
    TestMount refused = TestMount.startAt(mountPoint, frontEnd());
    refused.kill();
    assertTrue(refused.greeting().contains(reason), refused.greeting());
  }
}
