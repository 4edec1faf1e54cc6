package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A mount whose daemon is killed, and one whose programs want more memory than there is. */
final class RobustnessTest {
  private static final String NODE = "web01";
  private static final long END_SECONDS = 120;

  /** What the hog, the daemon and their caches have; the hog writes half as much again. */
  private static final long MEMORY_BYTES = 400 << 20;

  private static final int MAPPED_MIB = 600;

  private Sandbox user;
  private Path root;
  private ProcessHandle daemon;

  @BeforeEach
  void mount() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance().withNode(NODE);
    root = user.newDirectory("mnt-" + NODE);
    mountNode();
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  private void mountNode() throws Exception {
    daemon = Sandbox.daemon(user.mountAt(root, NODE));
  }

  private void kill() throws Exception {
    daemon.destroyForcibly();
    daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
  }

  /** 4 KiB blocks that the mount says are used. */
  private long usedBlocks() throws Exception {
    try (Descriptor directory = Posix.open(root.toString(), OpenFlags.O_DIRECTORY, 0)) {
      FileSystemStatistics figures = Posix.fileSystem(directory.number());
      return figures.blocks() - figures.freeBlocks();
    }
  }

  @Test
  void aKilledDaemonsMountFailsAndIsMadeAgainWithAllThatWasAcknowledged() throws Exception {
    Path file = root.resolve("usr/lib/large.so");
    Sandbox.shell(
        """
        cd "$1"; printf acknowledged | dd of=usr/lib/large.so bs=1 seek=500000 conv=notrunc,fsync status=none
        mkdir new; head -c 3000000 /dev/urandom >new/data; ln new/data new/link; mv etc moved
        rm usr/share/doc/file-1; setfattr -n user.a -v b new/data; sync new/data new moved
        sha256sum <new/data >"$2"
        """,
        root,
        user.path("sum"));
    long ino = Posix.status(Posix.AT_FDCWD, Posix.bytes(file.toString())).ino();
    Process survivor =
        new ProcessBuilder(
                "bash",
                "-c",
                "cd \"$0\"; exec 3<>new/data; echo open; read; { echo x >&3; } 2>&1; cat /proc/self/cwd/x 2>&1; true",
                root.toString())
            .start();
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(survivor.getInputStream(), StandardCharsets.UTF_8))) {
      assertEquals("open", said.readLine());
      kill();
      String gone = "Transport endpoint is not connected";
      // What the kernel holds it still shows: a file that was never opened it cannot.
      Path unread = root.resolve("usr/share/doc/file-9");
      String seen = Sandbox.shell("cat \"$1\" 2>&1 || :", unread);
      assertTrue(seen.endsWith(gone), seen);
      survivor.getOutputStream().write('\n');
      survivor.getOutputStream().flush();
      for (String line = said.readLine(); line != null; line = said.readLine()) {
        assertTrue(line.endsWith(gone), line);
      }
      assertTrue(survivor.waitFor(END_SECONDS, TimeUnit.SECONDS), "it hangs in the dead mount");

      mountNode();
    } finally {
      survivor.destroyForcibly();
    }
    assertEquals(ino, Posix.status(Posix.AT_FDCWD, Posix.bytes(file.toString())).ino());
    assertEquals(
        "acknowledged\nsame\n2 b\nmoved",
        Sandbox.shell(
            """
            cd "$1"; dd if=usr/lib/large.so bs=1 skip=500000 count=12 status=none; echo
            test "$(sha256sum <new/link)" = "$(cat "$2")" && echo same
            echo $(stat -c %h new/data) $(getfattr --only-values -n user.a new/data)
            test ! -e usr/share/doc/file-1; test ! -e etc; ls -d moved
            """,
            root, user.path("sum")));
    user.umount(root).ok();
  }

  @Test
  void whatWasRemovedWhileOpenIsSweptAfterACrash() throws Exception {
    long before = usedBlocks();
    Process holder =
        new ProcessBuilder(
                "bash",
                "-c",
                "cd \"$0\"; head -c 4000000 /dev/urandom >f; exec 3<>f; rm f; exec 4<>etc/motd; rm etc/motd;"
                    + " echo changed >&4; sync /proc/self/fd/3 /proc/self/fd/4; echo open; read",
                root.toString())
            .start();
    try {
      assertEquals('o', holder.getInputStream().read());
      long held = usedBlocks();
      assertTrue(held >= before + 4_000_000 / 4096, () -> held + " after " + before);
      kill();
      mountNode();
      long swept = usedBlocks();
      assertTrue(swept <= before + 2, () -> swept + " after " + before);
      assertFalse(Files.exists(root.resolve("etc/motd")));
    } finally {
      holder.destroyForcibly().waitFor();
    }
    user.umount(root).ok();
  }

  /** The daemon needs memory itself to write back what the hog has dirtied. */
  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void aMemoryHogWithDirtyMapsDoesNotHangTheMount() throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    try (MemoryLimit limit = MemoryLimit.of(MEMORY_BYTES)) {
      limit.add(daemon.pid());
      Process hog =
          new ProcessBuilder(
                  "bash",
                  "-c",
                  limit.enter()
                      + "exec \"$0\" -Xmx32m -XX:+UseSerialGC -cp \"$1\" \"$2\" \"$3\" \"$4\"",
                  java.toString(),
                  System.getProperty("java.class.path"),
                  DirtyMaps.class.getName(),
                  root.resolve("mapped").toString(),
                  Integer.toString(MAPPED_MIB))
              .redirectErrorStream(true)
              .redirectOutput(user.path("hog.out").toFile())
              .start();
      try {
        for (int i = 0; hog.isAlive(); i++) {
          // Others go on meanwhile, durably.
          Sandbox.shell(
              "timeout 60 sh -ec 'cd \"$1\"; echo $2 >>other; sync other; ls usr/share/doc >/dev/null' sh \"$1\" \"$2\"",
              root,
              i);
        }
        assertEquals(0, hog.waitFor(), () -> "see " + user.path("hog.out"));
      } finally {
        hog.destroyForcibly().waitFor();
      }
    }
    assertTrue(daemon.isAlive());
    user.umount(root).ok();
    mountNode();
    try (DataInputStream file =
        new DataInputStream(
            new BufferedInputStream(Files.newInputStream(root.resolve("mapped"))))) {
      for (long at = 0; at < MAPPED_MIB << 20; at += DirtyMaps.PAGE_BYTES) {
        assertEquals(at * DirtyMaps.ROUNDS, file.readLong());
        file.skipNBytes(DirtyMaps.PAGE_BYTES - Long.BYTES);
      }
      assertEquals(-1, file.read());
    }
    user.umount(root).ok();
  }
}
