package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command lines of the README, one after the other. */
final class TourTest {
  @BeforeEach
  void requireMounts() {
    Requirements.mounts();
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "jnr"})
  void fromTheFirstImportToTheSecondVersion(String frontEnd) throws Exception {
    try (Sandbox user = new Sandbox().withAppliance()) {
      Path rootfs = user.importSmallTree();
      user.run("node", "add", "web01", "--master", "debian").ok();
      Path root = user.mount("web01", "--front-end", frontEnd);
      user.run("fingerprint", rootfs.toString(), root.toString()).ok();

      Files.writeString(root.resolve("etc/motd"), "Mine.\n", StandardOpenOption.APPEND);
      Files.writeString(root.resolve("etc/new"), "new\n");
      Files.createLink(root.resolve("etc/new.link"), root.resolve("etc/new"));
      Files.delete(root.resolve("etc/hostname"));
      Files.move(root.resolve("usr/lib"), root.resolve("usr/lib.moved"));
      Sandbox.shell("chmod 0700 \"$1\"/usr/bin/tool", root);
      user.run("snapshot", "create", "web01", "--name", "before").ok();
      Path before = Files.writeString(user.path("before"), fingerprint(user, root));

      Sandbox.shell("rm -rf \"$1\"/etc \"$1\"/usr/lib.moved", root);
      Run diff = user.run("snapshot", "diff", "web01", "before", "live").ok();
      assertTrue(diff.out().contains("- /etc"), diff::toString);
      user.umount(root).ok();
      user.run("rollback", "web01", "before").ok();
      user.mount("web01", "--front-end", frontEnd);
      Run same = user.run("fingerprint", "--inodes", before.toString(), root.toString());
      assertEquals("Identical.\n", same.ok().out());

      // Version 2: one file new, one changed by both sides, one changed that the node never
      // touched.
      Files.writeString(rootfs.resolve("etc/version"), "2\n");
      Files.writeString(rootfs.resolve("etc/motd"), "Theirs.\n");
      Files.writeString(rootfs.resolve("usr/share/doc/file-7"), "fixed\n");
      JsonObject second =
          user.run("repo", "import", "debian", rootfs.toString(), "--output", "json").ok().json();
      assertEquals(2, second.get("version").getAsInt());
      assertTrue(second.get("newBytes").getAsLong() < 1000, second::toString);
      long inode = (long) Files.getAttribute(root.resolve("usr/share/doc/file-7"), "unix:ino");
      JsonObject dryRun =
          user.run("node", "update", "web01", "--to", "latest", "--dry-run", "--output", "json")
              .ok()
              .json();
      assertTrue(dryRun.get("conflicts").toString().contains("/etc/motd"), dryRun::toString);
      assertFalse(dryRun.get("conflicts").toString().contains("/etc/version"), dryRun::toString);
      user.umount(root).ok();
      user.run("node", "update", "web01", "--to", "latest").ok();
      user.mount("web01", "--front-end", frontEnd);
      assertEquals("2\n", Files.readString(root.resolve("etc/version")));
      assertEquals("Welcome.\nMine.\n", Files.readString(root.resolve("etc/motd")));
      assertEquals("fixed\n", Files.readString(root.resolve("usr/share/doc/file-7")));
      assertEquals(inode, Files.getAttribute(root.resolve("usr/share/doc/file-7"), "unix:ino"));
      assertEquals("new\n", Files.readString(root.resolve("etc/new.link")));
      assertTrue(Files.notExists(root.resolve("etc/hostname")));

      // And back.
      user.umount(root).ok();
      user.run("node", "update", "web01", "--to", "1").ok();
      user.mount("web01", "--front-end", frontEnd);
      assertEquals(
          "Identical.\n",
          user.run("fingerprint", before.toString(), root.toString(), "--inodes").ok().out());
      user.umount(root).ok();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "jnr"})
  void aDirectoryThatBothSidesAddShowsTheEntriesOfBoth(String frontEnd) throws Exception {
    try (Sandbox user = new Sandbox().withAppliance()) {
      Path rootfs = user.importSmallTree();
      user.run("node", "add", "web01", "--master", "debian").ok();
      Path root = user.mount("web01", "--front-end", frontEnd);
      Sandbox.shell("cd \"$1\"; mkdir -p opt/app/conf; echo mine >opt/app/conf/mine", root);
      String mine = Sandbox.shell("stat -c %i \"$1\"/opt/app \"$1\"/opt/app/conf", root);
      Sandbox.shell(
          "cd \"$1\"; mkdir -p opt/app/conf opt/app/lib/deep; echo theirs >opt/app/conf/theirs;"
              + " echo file >opt/app/lib/deep/file; echo gone >opt/app/gone",
          rootfs);
      user.run("repo", "import", "debian", rootfs.toString()).ok();
      user.umount(root).ok();
      JsonObject update =
          user.run("node", "update", "web01", "--to", "2", "--output", "json").ok().json();
      assertEquals(0, update.getAsJsonArray("conflicts").size(), update::toString);
      user.mount("web01", "--front-end", frontEnd);
      String tree = "cd \"$1\"/opt/app; find . | sort; cat conf/* lib/deep/file";
      String both =
          ". ./conf ./conf/mine ./conf/theirs ./gone ./lib ./lib/deep ./lib/deep/file"
              + " mine theirs file";
      assertEquals(both, Sandbox.shell(tree, root).replace('\n', ' '));
      assertEquals(mine, Sandbox.shell("stat -c %i \"$1\"/opt/app \"$1\"/opt/app/conf", root));
      assertEquals(
          "4 " + mine.lines().findFirst().orElseThrow(),
          Sandbox.shell("stat -c %h \"$1\"; stat -c %i \"$1\"/lib/..", root.resolve("opt/app"))
              .replace('\n', ' '));
      // What the node does to it stays, also over the version's going and coming.
      Sandbox.shell("cd \"$1\"/opt/app; rm gone; echo more >>lib/deep/file; mv lib moved", root);
      user.umount(root).ok();
      user.run("node", "update", "web01", "--to", "1").ok();
      user.mount("web01", "--front-end", frontEnd);
      assertEquals(
          ". ./conf ./conf/mine ./moved ./moved/deep ./moved/deep/file mine",
          Sandbox.shell("cd \"$1\"/opt/app; find . | sort; cat conf/*", root).replace('\n', ' '));
      user.umount(root).ok();
      user.run("node", "update", "web01", "--to", "2").ok();
      user.mount("web01", "--front-end", frontEnd);
      assertEquals(
          ". ./conf ./conf/mine ./conf/theirs ./moved ./moved/deep ./moved/deep/file"
              + " file more",
          Sandbox.shell("cd \"$1\"/opt/app; find . | sort; cat moved/deep/file", root)
              .replace('\n', ' '));
      Sandbox.shell("rm -rf \"$1\"/opt/app; test ! -e \"$1\"/opt/app", root);
      user.umount(root).ok();
    }
  }

  @Test
  void aTarOnStandardInputIsTheSameTree() throws Exception {
    try (Sandbox user = new Sandbox().withAppliance()) {
      Path rootfs = SmallTree.make(user.newDirectory("rootfs"));
      Path tar = user.path("rootfs.tar");
      Sandbox.shell(
          "tar --format=posix --xattrs --xattrs-include='*' --acls --sparse -C \"$1\" -cf \"$2\" .",
          rootfs,
          tar);
      user.run("repo", "import", "from-directory", rootfs.toString()).ok();
      JsonObject again =
          user.run(tar, "repo", "import", "from-tar", "-", "--output", "json").ok().json();
      assertEquals(0, again.get("newBlocks").getAsLong(), again::toString);
      user.run("node", "add", "t1", "--master", "from-tar").ok();
      Path root = user.mount("t1");
      assertEquals(
          "Identical.\n", user.run("fingerprint", rootfs.toString(), root.toString()).ok().out());
      user.umount(root).ok();
    }
  }

  @Test
  void whatANodeChangedIsThereOnAnotherMachine() throws Exception {
    try (Sandbox user = new Sandbox().withAppliance()) {
      user.importSmallTree();
      user.run("node", "add", "web01", "--template", "debian").ok();
      Path root = user.mount("web01");
      Files.writeString(root.resolve("etc/motd"), "changed\n");
      String here = fingerprint(user, root);
      user.umount(root).ok();
      // Another machine has neither this one's state nor its cache.
      user.mount(
          "web01",
          "--state",
          user.newDirectory("state2").toString(),
          "--cache",
          user.newDirectory("cache2").toString());
      assertEquals(here, fingerprint(user, root));
      user.umount(root).ok();
    }
  }

  @Test
  void aDaemonThatWasKilledLeavesAMountThatCanBeMadeAnew() throws Exception {
    try (Sandbox user = new Sandbox().withAppliance()) {
      user.importSmallTree();
      user.run("node", "add", "web01", "--master", "debian").ok();
      Path root = user.newDirectory("mnt-web01");
      JsonObject report = user.mountAt(root, "web01");
      Files.writeString(root.resolve("etc/motd"), "synced\n");
      Sandbox.shell("sync -d \"$1\"", root.resolve("etc/motd"));
      ProcessHandle daemon = Sandbox.daemon(report);
      daemon.destroyForcibly();
      daemon.onExit().join();
      user.umount(root).ok();
      user.mount("web01");
      assertEquals("synced\n", Files.readString(root.resolve("etc/motd")));
      user.umount(root).ok();
    }
  }

  @Test
  void twoNodesShareAVersionAndNothingElse() throws Exception {
    try (Sandbox user = new Sandbox().withAppliance()) {
      user.importSmallTree();
      for (String node : new String[] {"web01", "web02"}) {
        user.run("node", "add", node, "--master", "debian").ok();
      }
      Path one = user.mount("web01");
      Path two = user.mount("web02");
      Files.writeString(one.resolve("etc/motd"), "one\n");
      Files.delete(two.resolve("etc/motd"));
      assertEquals("one\n", Files.readString(one.resolve("etc/motd")));
      assertNotEquals(fingerprint(user, one), fingerprint(user, two));
      user.umount(one).ok();
      user.umount(two).ok();
    }
  }

  private static String fingerprint(Sandbox user, Path tree) throws Exception {
    return user.run("fingerprint", "--inodes", tree.toString()).ok().out();
  }
}
