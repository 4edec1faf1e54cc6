package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.kenai.jffi.MemoryIO;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;

/**
 * What a Linux root filesystem does and neither the scorecard nor the front ends' contract tries.
 * Each case has a directory of its own in one mount of a node with a quota.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SemanticsTest {
  private static final String NODE = "web01";
  private static final long QUOTA_MIB = 64;

  /** Files of {@link SmallTree} that two programs open at the same time. */
  private static final int RACES = 200;

  private static final String USER = "setpriv --reuid=12345 --regid=12345 --clear-groups ";

  private Sandbox user;
  private Path root;
  private Path dir;

  @BeforeAll
  void mount() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance();
    user.importSmallTree();
    user.run("node", "add", NODE, "--master", "debian", "--quota", QUOTA_MIB + "MiB").ok();
    root = user.mount(NODE, "--front-end", "direct");
  }

  @AfterAll
  void unmount() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  @BeforeEach
  void enterDirectory(TestInfo test) throws Exception {
    dir = Files.createDirectory(root.resolve(test.getTestMethod().orElseThrow().getName()));
  }

  private String sh(String command) throws Exception {
    return Sandbox.shell("cd \"$1\"; " + command, dir);
  }

  // ---- Rights ----

  @Test
  void supplementaryGroupsGiveTheirRights() throws Exception {
    sh("echo secret >f; chgrp 54321 f; chmod 640 f; chmod 777 .");
    assertEquals("denied", sh(USER + "cat f 2>/dev/null || echo denied"));
    String member = "setpriv --reuid=12345 --regid=12345 --groups=7,54321 ";
    assertEquals("secret", sh(member + "cat f"));
    assertEquals("54321", sh(member + "sh -c 'echo >own; chgrp 54321 own; stat -c %g own'"));
    assertEquals("2755", sh(member + "sh -c 'chmod 2755 own; stat -c %a own'"));
    assertEquals("755", sh(USER + "sh -c 'chmod 2755 own; stat -c %a own'"));
  }

  @Test
  void timesAreSetByWhomTheyMayBe() throws Exception {
    sh("touch f; chmod 666 f; chown 1:1 f; touch -d @1000.5 f");
    assertEquals("2000.5 1000.5", sh("touch -a -d @2000.5 f; stat -c '%.1X %.1Y' f"));
    assertEquals("2000.5 3000.5", sh("touch -m -d @3000.5 f; stat -c '%.1X %.1Y' f"));
    assertEquals("Operation not permitted", sh(USER + "touch -d @1 f 2>&1 | sed 's/.*: //'"));
    assertEquals("now", sh(USER + "touch f; test $(stat -c %Y f) -gt 1600000000 && echo now"));
    assertEquals("Permission denied", sh("chmod 644 f; " + USER + "touch f 2>&1 | sed 's/.*: //'"));
  }

  // ---- Data ----

  @Test
  void whatGoesAroundTheCacheAndThroughItIsOneFile() throws Exception {
    assertEquals(
        "same",
        sh(
            """
            head -c 1048576 /dev/urandom >whole; cp whole f
            dd if=whole of=f bs=4096 skip=3 seek=100 count=5 conv=notrunc oflag=direct status=none
            dd if=whole of=whole bs=4096 skip=3 seek=100 count=5 conv=notrunc status=none
            cmp f whole; printf XY | dd of=f bs=1 seek=500000 conv=notrunc status=none
            printf XY | dd of=whole bs=1 seek=500000 conv=notrunc status=none
            dd if=f bs=4096 iflag=direct status=none | cmp - whole; echo same
            """));
  }

  /** The first reader of a small repository file gets it with OPEN; a writer may come between. */
  @Test
  void whatIsWrittenWhileTheVersionsContentIsOnItsWayStays() throws Exception {
    Path files = root.resolve("usr/share/doc");
    List<byte[]> expected = new ArrayList<>();
    for (int i = 0; i < RACES; i++) {
      expected.add(Files.readAllBytes(files.resolve("file-" + i)));
    }
    // The kernel forgets them, the node's cache does not.
    sh("echo 3 >/proc/sys/vm/drop_caches");
    for (int i = 0; i < RACES; i++) {
      Path file = files.resolve("file-" + i);
      CyclicBarrier start = new CyclicBarrier(2);
      CompletableFuture<Void> reader =
          CompletableFuture.runAsync(
              () -> {
                try {
                  start.await();
                  Files.readAllBytes(file);
                } catch (Exception e) {
                  throw new CompletionException(e);
                }
              });
      start.await();
      expected.set(i, changed(file, i % 3, expected.get(i)));
      reader.join();
      assertArrayEquals(expected.get(i), Files.readAllBytes(file), file.toString());
    }
    sh("sync; echo 3 >/proc/sys/vm/drop_caches");
    for (int i = 0; i < RACES; i++) {
      assertArrayEquals(
          expected.get(i), Files.readAllBytes(files.resolve("file-" + i)), "file-" + i);
    }
  }

  /** Changes a file in one of three ways; returns what it is then. */
  private static byte[] changed(Path file, int way, byte[] before) throws IOException {
    byte[] mine = "mine".getBytes(StandardCharsets.UTF_8);
    if (way == 0) {
      Files.write(file, mine, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
      return mine;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      if (way == 1) {
        channel.truncate(before.length / 2);
        return Arrays.copyOf(before, before.length / 2);
      }
      channel.write(ByteBuffer.wrap(mine));
      byte[] after = Arrays.copyOf(before, Math.max(before.length, mine.length));
      System.arraycopy(mine, 0, after, 0, mine.length);
      return after;
    }
  }

  @Test
  void aPrivateMapChangesNothingButItself() throws Exception {
    Path file = Files.writeString(dir.resolve("f"), "content");
    try (Descriptor open = Posix.open(file.toString(), OpenFlags.O_RDWR, 0)) {
      long map = LinuxCalls.mapPrivately(open.number(), 7);
      MemoryIO.getInstance().putByte(map, (byte) 'K');
      assertEquals('K', MemoryIO.getInstance().getByte(map));
      Posix.fsync(open.number());
      LinuxCalls.unmap(map, 7);
    }
    assertEquals("content", Files.readString(file));
  }

  @Test
  void aDirectoryAndItsEntriesCanBeMadeDurable() throws Exception {
    Path made = Files.createDirectory(dir.resolve("d"));
    Files.createFile(made.resolve("f"));
    try (Descriptor directory = Posix.open(made.toString(), OpenFlags.O_DIRECTORY, 0)) {
      Posix.fsync(directory.number());
      Posix.fdatasync(directory.number());
    }
  }

  /** What the kernel writes back is refused as a full disk is: close(2) knows no other word. */
  @Test
  void theQuotaIsToldAndKept() throws Exception {
    long blocks = QUOTA_MIB << 8;
    long free = freeBlocks();
    assertTrue(free < blocks, () -> free + " of " + blocks);
    sh("head -c 4194304 /dev/urandom >f; sync f");
    long left = freeBlocks();
    assertTrue(free - left >= 1024 && free - left < 1100, () -> free + " free, then " + left);
    String said = " | sed -n 's/^[a-z]*: .*: //p' | head -n 1";
    String full = "No space left on device";
    int more = (int) QUOTA_MIB + 10;
    assertEquals(
        full, sh("dd if=/dev/zero of=much bs=1M conv=fsync count=" + more + " 2>&1" + said));
    assertEquals(full, sh("head -c 8M /dev/zero 2>&1 >again" + said));
    String direct = "dd if=/dev/zero of=direct bs=1M count=8 oflag=direct 2>&1";
    assertEquals("Disk quota exceeded", sh(direct + said));
    sh("rm much again direct; cp f copy; cmp f copy; sync copy; rm copy f");
    assertTrue(free - freeBlocks() < 20, "what was removed is free again");
  }

  @Test
  void theQuotaIsChangedWhileMounted() throws Exception {
    long before = (QUOTA_MIB << 8) - freeBlocks();
    sh("head -c 8M /dev/urandom >f; sync f");
    quota(before + 1024);
    assertEquals("Disk quota exceeded", mkdir());
    sh("cat f >/dev/null; truncate -s 7M f; truncate -s 5M f; touch -d @5 f; mv f g");
    assertEquals("Disk quota exceeded", mkdir());
    quota(before + 4096);
    assertEquals("", mkdir());
    assertEquals(before + 4096, Long.parseLong(sh("stat -f -c %b .")));
    quota(before + 1024);
    sh("rm g; mkdir again; sync again");
    quota(QUOTA_MIB << 8);
    for (String size : List.of("lots", "-5", "0", "20XiB")) {
      Run refused = user.run("node", "update", NODE, "--quota", size);
      assertEquals(2, refused.exitCode(), refused::toString);
      String line = refused.err().lines().findFirst().orElseThrow();
      assertTrue(line.startsWith("mapfs: ") && line.contains("quota"), refused::toString);
    }
    user.run("node", "update", NODE).refused(2, "give --to, --quota or both");
    Run audit = user.run("appliance", "audit").ok();
    assertTrue(audit.out().contains("quotaBytes=" + (QUOTA_MIB << 20)), audit::toString);
  }

  private void quota(long blocks) throws Exception {
    Run done = user.run("node", "update", NODE, "--quota", (blocks << 12) + "B").ok();
    assertTrue(done.out().contains("In force: its machine knows."), done::toString);
  }

  /** What is said if it is refused. */
  private String mkdir() throws Exception {
    return sh("mkdir made 2>&1 | sed -n 's/^[a-z]*: .*: //p'");
  }

  private long freeBlocks() throws Exception {
    return Long.parseLong(sh("stat -f -c %a ."));
  }

  // ---- Locks ----

  @Test
  void locksOfProcessesAndOfOpenFilesHoldAgainstEachOther() throws Exception {
    String locker =
        """
        use Fcntl; sub lock { my ($f, $command, $type, $from, $length) = @_;
          my $l = pack("s s x4 q q l x4", $type, 0, $from, $length, 0);
          return fcntl($f, $command, $l) ? "got" : 0 + $! == 11 ? "busy" : "$!" }
        """;
    assertEquals(
        "got got busy got busy got",
        sh(
            "head -c 100 /dev/zero >f; perl -e '"
                + locker
                + """
                $| = 1; open(F, "+<", "f"); open(G, "+<", "f"); pipe(R, W); pipe(S, T);
                my ($POSIX, $OFD) = (6, 37);
                print lock(F, $POSIX, 1, 0, 10);
                if (!fork) {
                  open(H, "+<", "f");
                  print " ", lock(H, $POSIX, 1, 10, 10), " ", lock(H, $POSIX, 0, 5, 1);
                  syswrite(W, "x"); sysread(S, $_, 1);
                  # The parent has closed another descriptor of the file: its own locks are gone.
                  print " ", lock(H, $POSIX, 1, 5, 1), " ", lock(H, $OFD, 1, 50, 1); exit }
                sysread(R, $_, 1); close(G);
                open(K, "+<", "f"); lock(K, $OFD, 1, 50, 1); syswrite(T, "x"); wait;
                # A lock of the open file outlives other descriptors, until its own is closed.
                close(K); open(L, "+<", "f"); print " ", lock(L, $OFD, 1, 50, 1)'
                """));
  }

  // ---- Handles ----

  @Test
  void aHandleOutlivesCachesAndTheMountAndEndsWithItsFile() throws Exception {
    Path file = Files.writeString(dir.resolve("f"), "by handle");
    LinuxCalls.Handle made = LinuxCalls.handle(file.toString());
    LinuxCalls.Handle lower = LinuxCalls.handle(root.resolve("etc/hostname").toString());
    sh("sync f; echo 2 >/proc/sys/vm/drop_caches");
    assertEquals("by handle", read(made));
    assertEquals("debian\n", read(lower));
    user.umount(root).ok();
    user.mount(NODE, "--front-end", "direct");
    assertEquals("by handle", read(made));
    assertEquals("debian\n", read(lower));
    Files.delete(file);
    Files.delete(root.resolve("etc/hostname"));
    Files.writeString(file, "another");
    // The kernel knows what it has opened by handle until it drops it.
    sh("echo 2 >/proc/sys/vm/drop_caches");
    assertStale(made);
    assertStale(lower);
    user.umount(root).ok();
    user.mount(NODE, "--front-end", "direct");
    assertStale(made);
    assertStale(lower);
  }

  private void assertStale(LinuxCalls.Handle handle) {
    FsException gone = assertThrows(FsException.class, () -> read(handle));
    assertEquals(Errno.ESTALE, gone.errno());
  }

  private String read(LinuxCalls.Handle handle) throws Exception {
    try (Descriptor mount = Posix.open(root.toString(), OpenFlags.O_DIRECTORY, 0);
        Descriptor file =
            Posix.openByHandle(mount.number(), handle.type(), handle.bytes(), OpenFlags.O_RDONLY)) {
      return new String(
          Files.readAllBytes(Path.of("/proc/self/fd/" + file.number())), StandardCharsets.UTF_8);
    }
  }

  // ---- Names ----

  /** Names and links of the mount are the node's own: none is ever a path of the stores. */
  @Test
  void noNameAndNoLinkLeadsIntoTheStores() throws Exception {
    Path outside = Files.createDirectory(user.path("outside"));
    Path secret = Files.writeString(outside.resolve("secret"), "untouched");
    String before =
        Sandbox.shell("cd \"$1\"; find . -type l -o -name '*secret*'", user.path("state"));
    sh(
        "ln -s \""
            + outside
            + "\" link; ln -s \""
            + secret
            + "\" secret; echo mine >'..secret';"
            + " mkdir d; mv link d; mv secret d; cp -a d e; sync ..secret; sync .");
    user.run("snapshot", "create", NODE, "--name", "links").ok();
    Files.delete(dir.resolve("d/secret"));
    assertEquals("untouched", Files.readString(secret));
    for (String store : new String[] {"state", "store", "cache"}) {
      assertEquals(
          before,
          Sandbox.shell("cd \"$1\"; find . -type l -o -name '*secret*'", user.path(store)),
          store);
    }
    assertFalse(Files.exists(outside.resolve("link")));
  }
}
