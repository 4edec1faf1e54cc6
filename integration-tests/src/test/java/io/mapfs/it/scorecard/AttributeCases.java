package io.mapfs.it.scorecard;

import static io.mapfs.it.scorecard.Case.fuseOverlayfs;
import static io.mapfs.it.scorecard.Case.kernel;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Times, modes, xattrs and access control lists. */
final class AttributeCases {
  private static final String USER = "setpriv --reuid=12345 --regid=12345 --clear-groups ";

  private static final String[] XATTRS = {
    "user.origin", "trusted.origin", "security.capability", "system.posix_acl_access",
  };

  private AttributeCases() {}

  static List<Case> all() {
    return List.of(
        new Case(
            "Reading a lower file moves its st_atime (relatime)",
            kernel("Non-standard behavior") + " (a)",
            lower -> {
              Files.writeString(lower.resolve("file"), "content");
              Sandbox.shell("touch -d @1000000000 \"$1/file\"", lower);
            },
            AttributeCases::movesAccessTime),
        new Case(
            "Reading files costs nothing",
            kernel("Non-standard behavior") + " (a)",
            lower -> Sandbox.shell("seq 500000 | split -l 1000 - \"$1/x\"", lower),
            AttributeCases::readsForNothing),
        new Case(
            "The times of content stay to the nanosecond when attributes change",
            kernel("Non-directories"),
            lower -> {
              Files.writeString(lower.resolve("file"), "content");
              Sandbox.shell("touch -d @1234567890.123456789 \"$1/file\"", lower);
            },
            AttributeCases::keepsTimes),
        new Case(
            "xattrs, ACLs and capabilities stay when a file is first changed",
            kernel("Non-directories"),
            AttributeCases::attributedFile,
            AttributeCases::keepsXattrs),
        new Case(
            "Writing by another than root clears setuid and setgid, of lower files too",
            kernel("Permission model"),
            lower ->
                Sandbox.shell(
                    "cd \"$1\"; echo content >file; chown 1:1 file; chmod 6777 file", lower),
            scene ->
                assertEquals(
                    "777",
                    scene.sh(USER + "sh -c 'printf x >>file'; stat -c %a file"),
                    "the mode")),
        new Case(
            "The attributes of lower fifos and devices can be changed",
            kernel("Non-directories"),
            lower -> Sandbox.shell("cd \"$1\"; mkfifo fifo; mknod device c 1 3", lower),
            scene ->
                assertEquals(
                    "600 1 600 1",
                    scene.sh("chmod 600 *; chown 1 *; echo $(stat -c '%a %u' device fifo)"),
                    "the attributes")),
        new Case(
            "A lower directory's default ACL is inherited",
            fuseOverlayfs(59),
            lower ->
                Sandbox.shell(
                    "mkdir \"$1/d\"; setfacl -d -m u::rwx,g::r-x,o::---,u:12345:rwx \"$1/d\"",
                    lower),
            scene ->
                assertEquals(
                    "user:12345:rwx #effective:rw- mask::rw- 660",
                    scene.sh(
                        "umask 077; touch d/f;"
                            + " echo $(getfacl -cn d/f | grep -e 12345 -e mask) $(stat -c %a d/f)"),
                    "the ACL")),
        new Case(
            "Access control lists of lower files are obeyed",
            kernel("Permission model"),
            lower ->
                Sandbox.shell(
                    "cd \"$1\"; echo content >file; chmod 600 file; setfacl -m u:12345:rw file",
                    lower),
            AttributeCases::obeysLists),
        new Case(
            "A file that only root may write can be removed and changed by its owner",
            fuseOverlayfs(307),
            lower ->
                Sandbox.shell(
                    "cd \"$1\"; for f in a b; do echo $f >$f; chown 12345 $f; chmod 444 $f; done;"
                        + " chmod 1777 .",
                    lower),
            scene ->
                assertEquals(
                    "644",
                    scene.sh(
                        USER
                            + "sh -ec 'rm -f a; chmod 644 b; echo more >>b'; stat -c %a b;"
                            + " test ! -e a"),
                    "the mode")));
  }

  private static void attributedFile(Path lower) throws Exception {
    Sandbox.shell(
        "cd \"$1\"; cp /bin/true file; setfattr -n user.origin -v lower file;"
            + " setfattr -n trusted.origin -v lower file; setcap cap_net_raw+ep file;"
            + " setfacl -m u:12345:r file",
        lower);
  }

  private static void movesAccessTime(Scene scene) throws Exception {
    FileStatus before = scene.stat("file");
    assertEquals("content", scene.read("file"), "the content");
    FileStatus now = scene.stat("file");
    // At the latest when the file has been closed, which a filesystem may hear a moment later.
    for (int i = 0; i < 50 && now.atime().equals(before.atime()); i++) {
      Thread.sleep(20);
      now = scene.stat("file");
    }
    assertTrue(now.atime().compareTo(before.atime()) > 0, "st_atime stays");
    assertEquals(before.mtime(), now.mtime(), "st_mtime");
    assertEquals(before.ctime(), now.ctime(), "st_ctime");
  }

  private static void readsForNothing(Scene scene) throws Exception {
    long before = scene.changedBytes();
    scene.sh("cat x* >/dev/null");
    assertTrue(scene.changedBytes() - before < 100_000, "private copies are made");
  }

  private static void keepsTimes(Scene scene) throws Exception {
    FileStatus before = scene.stat("file");
    scene.sh("chmod 600 file; chown 1:1 file; setfattr -n user.a -v b file; ln file linked");
    FileStatus now = scene.stat("file");
    assertEquals(before.mtime(), now.mtime(), "st_mtime");
    assertEquals(before.atime(), now.atime(), "st_atime");
    assertTrue(now.ctime().compareTo(before.ctime()) > 0, "st_ctime stays");
  }

  private static void keepsXattrs(Scene scene) throws Exception {
    byte[][] before = values(scene);
    scene.sh("chmod u+s file; touch file; ln file linked; setfattr -n user.more -v x file");
    byte[][] now = values(scene);
    for (int i = 0; i < XATTRS.length; i++) {
      assertArrayEquals(before[i], now[i], XATTRS[i]);
    }
  }

  private static byte[][] values(Scene scene) throws Exception {
    byte[][] values = new byte[XATTRS.length][];
    for (int i = 0; i < XATTRS.length; i++) {
      values[i] = Posix.xattr(scene.bytes("file"), Name.of(XATTRS[i]));
    }
    return values;
  }

  private static void obeysLists(Scene scene) throws Exception {
    assertEquals("content", scene.sh(USER + "cat file"), "the content");
    assertEquals(
        "content more", scene.sh(USER + "sh -c 'echo more >>file'; echo $(cat file)"), "writing");
    assertEquals(
        "denied", scene.sh("chmod g-rw file; " + USER + "cat file 2>/dev/null || echo denied"));
  }
}
