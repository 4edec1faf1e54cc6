package io.mapfs.it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A tree with one of everything that a root filesystem has, and a few hundred files. */
public final class SmallTree {
  private SmallTree() {}

  public static Path make(Path tree) throws IOException, InterruptedException {
    Random random = new Random(42);
    for (String directory :
        new String[] {"etc", "usr/bin", "usr/lib/deep/deeper", "usr/share/doc", "tmp"}) {
      Files.createDirectories(tree.resolve(directory));
    }
    for (int i = 0; i < 200; i++) {
      byte[] content = new byte[random.nextInt(5000)];
      random.nextBytes(content);
      Files.write(tree.resolve("usr/share/doc/file-" + i), content);
    }
    byte[] large = new byte[1_000_000];
    random.nextBytes(large);
    Files.write(tree.resolve("usr/lib/large.so"), large);
    Files.writeString(tree.resolve("etc/hostname"), "debian\n");
    Files.writeString(tree.resolve("etc/motd"), "Welcome.\n");
    Files.writeString(tree.resolve("usr/bin/tool"), "#!/bin/sh\necho tool\n");
    Files.createLink(tree.resolve("usr/bin/tool-again"), tree.resolve("usr/bin/tool"));
    Files.createSymbolicLink(tree.resolve("bin"), Path.of("usr/bin"));
    Files.write(
        tree.resolve("usr/share/name-" + "x".repeat(245)),
        "long".getBytes(StandardCharsets.US_ASCII));
    Sandbox.shell(
        "cd \"$1\"; chmod 1777 tmp; chmod 4755 usr/bin/tool; mkfifo tmp/fifo; mknod tmp/null c 1 3;"
            + " truncate -s 5M usr/lib/sparse; printf end >>usr/lib/sparse;"
            + " setfattr -n user.origin -v test etc/motd; setfacl -m u:1234:r etc/hostname;"
            + " setcap cap_net_raw+ep usr/bin/tool-again; chown 12:34 etc/motd;"
            + " touch \"usr/share/$(printf 'caf\\351')\"; touch -d @1600000000.123456789 etc",
        tree);
    return tree;
  }
}
