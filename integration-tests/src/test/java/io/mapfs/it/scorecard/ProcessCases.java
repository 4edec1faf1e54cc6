package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.it.LinuxCalls;
import io.mapfs.it.Sandbox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.function.Executable;

/** What the kernel ties to a file for processes: running programs, locks, watches, pipes. */
final class ProcessCases {
  private static final String NON_STANDARD = kernel("Non-standard behavior");
  private static final String COPY_UP = kernel("Non-directories");

  private ProcessCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "A lower program that runs cannot be written or truncated (ETXTBSY)",
            NON_STANDARD + " (c)",
            ProcessCases::program,
            ProcessCases::runningIsBusy),
        new Case(
            "A lower program that is open for writing cannot be run (ETXTBSY)",
            NON_STANDARD + " (c)",
            ProcessCases::program,
            ProcessCases::writtenIsBusy),
        new Case(
            "A lock that a reader took holds against writers that come later",
            COPY_UP,
            ProcessCases::file,
            ProcessCases::keepsLocks),
        new Case(
            "An inotify watch tells of the first change and of later ones",
            COPY_UP,
            ProcessCases::file,
            ProcessCases::tellsWatchers),
        new Case(
            "A fanotify mark tells of the first change and of later ones",
            COPY_UP,
            ProcessCases::file,
            ProcessCases::tellsMarks),
        new Case(
            "A fifo stays one pipe when its attributes are first changed",
            COPY_UP,
            lower -> Sandbox.shell("mkfifo \"$1/fifo\"", lower),
            ProcessCases::staysOnePipe),
        new Case(
            "Signals that a program handles do not fail its write and fsync (EINTR)",
            "fuse: Interrupting filesystem operations",
            ProcessCases::file,
            ProcessCases::bearsSignals));
  }

  private static void program(Path lower) throws Exception {
    Sandbox.shell("cp /bin/sleep \"$1/program\"", lower);
  }

  private static void file(Path lower) throws Exception {
    Files.writeString(lower.resolve("file"), "content");
  }

  private static void assertErrno(Errno expected, Executable call, String what) {
    FsException thrown = assertThrows(FsException.class, call, what);
    assertEquals(expected, thrown.errno(), what);
  }

  private static void runningIsBusy(Scene scene) throws Exception {
    // start() returns once the new process has executed the program.
    Process running = new ProcessBuilder(scene.path("program").toString(), "60").start();
    try {
      assertErrno(
          Errno.ETXTBSY, () -> scene.open("program", OpenFlags.O_WRONLY).close(), "can be opened");
      assertErrno(
          Errno.ETXTBSY,
          () -> LinuxCalls.truncate(scene.path("program").toString(), 10),
          "can be truncated");
    } finally {
      running.destroyForcibly().waitFor();
    }
    scene.open("program", OpenFlags.O_WRONLY).close();
  }

  private static void writtenIsBusy(Scene scene) throws Exception {
    ProcessBuilder program = new ProcessBuilder(scene.path("program").toString(), "0");
    try (Descriptor writer = scene.open("program", OpenFlags.O_WRONLY)) {
      IOException refused =
          assertThrows(IOException.class, () -> program.start().waitFor(), "can be run");
      assertTrue(refused.getMessage().contains("error=26"), refused::getMessage);
    }
    assertEquals(0, program.start().waitFor(), "exit status");
  }

  private static void keepsLocks(Scene scene) throws Exception {
    try (Descriptor reader = scene.open("file", OpenFlags.O_RDONLY)) {
      LinuxCalls.lock(reader.number(), false);
      scene.overwrite("file", "CON");
      try (Descriptor writer = scene.open("file", OpenFlags.O_RDWR)) {
        assertErrno(Errno.EAGAIN, () -> LinuxCalls.lock(writer.number(), true), "the lock is lost");
      }
    }
  }

  private static void tellsWatchers(Scene scene) throws Exception {
    int mask = LinuxCalls.IN_MODIFY | LinuxCalls.IN_ATTRIB;
    int watch = LinuxCalls.inotify(scene.path("file").toString(), mask);
    try {
      scene.overwrite("file", "CON");
      assertEquals(LinuxCalls.IN_MODIFY, LinuxCalls.inotifyEvents(watch), "the first write");
      scene.sh("chmod 600 file");
      assertEquals(LinuxCalls.IN_ATTRIB, LinuxCalls.inotifyEvents(watch), "a later chmod");
      scene.overwrite("file", "con");
      assertEquals(LinuxCalls.IN_MODIFY, LinuxCalls.inotifyEvents(watch), "a later write");
    } finally {
      LinuxCalls.close(watch);
    }
  }

  private static void tellsMarks(Scene scene) throws Exception {
    int group = LinuxCalls.fanotify(scene.path("file").toString(), LinuxCalls.FAN_MODIFY);
    try {
      scene.overwrite("file", "CON");
      assertEquals(LinuxCalls.FAN_MODIFY, LinuxCalls.fanotifyEvents(group), "the first write");
      scene.overwrite("file", "con");
      assertEquals(LinuxCalls.FAN_MODIFY, LinuxCalls.fanotifyEvents(group), "a later write");
    } finally {
      LinuxCalls.close(group);
    }
  }

  private static void bearsSignals(Scene scene) throws Exception {
    assertEquals(
        "",
        scene.sh(
            """
            trap '' USR1; export PERL_SIGNALS=unsafe
            perl -MIO::Handle -MPOSIX -e '$SIG{USR1} = sub {}; open F, ">>file" or die "open: $!";
              for (1 .. 50) { syswrite(F, "x" x 100000) == 100000 or die "write: $!";
                F->sync or die "fsync: $!" } _exit(0)' & writer=$!
            perl -e 'while (kill USR1 => $ARGV[0]) { select undef, undef, undef, 0.001 }' $writer &
            wait $writer; wait
            """),
        "a call fails");
  }

  private static void staysOnePipe(Scene scene) throws Exception {
    int flags = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK;
    try (Descriptor reader = scene.open("fifo", flags)) {
      scene.sh("chmod 600 fifo; chown 1:1 fifo");
      // Without a reader this fails with ENXIO.
      scene.open("fifo", OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK).close();
    }
  }
}
