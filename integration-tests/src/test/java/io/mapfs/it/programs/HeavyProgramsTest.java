package io.mapfs.it.programs;

import static io.mapfs.it.programs.NodeMount.requireProgram;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.it.Requirements;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Those that take minutes, or much to install: {@code scripts/programs} installs what they need and
 * runs them. The master is the Debian that {@code mapfs.programs.tree} names.
 */
@EnabledIfSystemProperty(
    named = "mapfs.programs",
    matches = "all",
    disabledReason = "takes minutes: run scripts/programs")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class HeavyProgramsTest {
  /** Enters the mounted root, which is the working directory, in namespaces that end with it. */
  private static final String ENTER =
      """
      enter() {
        unshare --mount --propagation private sh -ec '
          mount --bind . /mnt; mount -t proc proc /mnt/proc; mount --rbind /dev /mnt/dev
          exec chroot /mnt /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \\
            HOME=/root DEBIAN_FRONTEND=noninteractive "$@"' sh "$@"
      }
      """;

  private NodeMount node;

  @BeforeAll
  void mount() throws Exception {
    Requirements.mounts();
    String tree = System.getProperty("mapfs.programs.tree");
    assertTrue(tree != null, "no -Dmapfs.programs.tree: run scripts/programs");
    node = NodeMount.of(Path.of(tree));
  }

  @AfterAll
  void unmount() throws Exception {
    if (node != null) {
      node.close();
    }
  }

  @Test
  void aptInstallsAndRemovesInTheRoot() throws Exception {
    String said =
        node.sh(
            ".",
            ENTER
                + """
                cp --remove-destination -L /etc/resolv.conf etc/resolv.conf
                packages='git vim-tiny python3-minimal'
                { enter apt-get update
                  enter apt-get install -y --no-install-recommends $packages
                  enter dpkg --verify
                  enter python3 -c 'import os; print(os.getcwd())'
                  enter apt-get purge -y --autoremove $packages
                } >/var/tmp/mapfs-apt.$$ 2>&1 || { tail /var/tmp/mapfs-apt.$$; exit 1; }
                rm /var/tmp/mapfs-apt.$$
                enter dpkg --audit; test ! -e usr/bin/git; enter dpkg --list | grep -c '^ii' >count
                test $(cat count) -gt 50; echo done
                """);
    assertEquals("done", said);
  }

  @Test
  void postgresKeepsItsBooksAndRecoversFromACrash() throws Exception {
    Requirements.require(Files.isDirectory(Path.of("/usr/lib/postgresql")), "no PostgreSQL");
    String said =
        node.sh(
            "var/lib/postgres",
            """
            chown postgres .
            cat >run <<'SCRIPT'
            mount --bind . /mnt; cd /mnt; bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
            postgres() {
              setpriv --reuid=postgres --regid=postgres --init-groups \\
                env -i "PATH=$bin:/usr/bin:/bin" HOME=/mnt LC_ALL=C.UTF-8 PGHOST=/mnt PGUSER=postgres \\
                PGDATA=/mnt/data "$@" </dev/null
            }
            start() { postgres pg_ctl -w -l /mnt/server.log -o '-k /mnt -c listen_addresses=' start; }
            { postgres initdb -k -A trust; start; postgres pgbench -i -q -s 5 postgres
              postgres pgbench -c 4 -j 2 -T 20 postgres
              postgres pg_ctl -m immediate stop; start; } >log 2>&1 || { tail log server.log; exit 1; }
            postgres psql -Atc 'select (select sum(abalance) from pgbench_accounts)
              = (select sum(bbalance) from pgbench_branches) and (select sum(bbalance) from
              pgbench_branches) = (select sum(delta) from pgbench_history)' postgres
            postgres pg_ctl -m fast stop >>log; postgres pg_checksums -c | grep 'Bad checksums'
            SCRIPT
            unshare --mount --propagation private sh -e run
            """);
    assertEquals("t\nBad checksums:  0", said);
  }

  @Test
  void podmanKeepsItsStorageOnTheMount() throws Exception {
    requireProgram("/usr/bin/podman");
    String said =
        node.sh(
            "var/lib/podman",
            """
            cat >run <<'SCRIPT'
            # crun refuses a hierarchy of version 1 that has one of version 2 beside it.
            umount /sys/fs/cgroup/unified 2>/dev/null || :
            p() {
              podman --root "$PWD/storage" --runroot /var/tmp/mapfs-podman.$$ --storage-driver overlay \
                --cgroup-manager cgroupfs --events-backend file "$@"
            }
            trap 'p rmi -f -a >/dev/null; rm -rf /var/tmp/mapfs-podman.$$' EXIT
            r() {
              p run --rm --network none --cgroups disabled --ulimit nofile=1024:1024 \
                --ulimit nproc=1024:1024 "$@"
            }
            tar -C ../../.. -c bin sbin lib lib64 usr/bin usr/sbin usr/lib usr/lib64 etc tmp \
              | p import -q - localhost/base >log
            r localhost/base sh -ec 'echo new >/etc/new; rm -r /etc/cron.d; mv /etc/apt /etc/tpa
              ls /etc/tpa >/dev/null; cat /etc/new'
            printf '%s\n' 'FROM localhost/base' 'RUN echo built >/built && rm -r /etc/apt' \
              'RUN mkdir /d && ln /built /d/linked' >Containerfile
            p build -q --isolation chroot -t localhost/built . >>log
            r localhost/built sh -ec 'cat /built; stat -c %h /built; test ! -e /etc/apt'
            SCRIPT
            unshare --mount --propagation private sh -e run
            """);
    assertEquals("new\nbuilt\n2", said);
  }

  @Test
  void systemdBootsFromTheRootToMultiUser() throws Exception {
    requireProgram("/usr/bin/systemd-nspawn");
    String said =
        node.sh(
            ".",
            """
            systemd-nspawn -D . --boot --register=no --keep-unit --link-journal=no --private-network \
              --machine=mapfs-$$ </dev/null >console 2>&1 & nspawn=$!
            init() { cat /proc/$nspawn/task/$nspawn/children 2>/dev/null; }
            trap 'kill -9 $(init) $nspawn 2>/dev/null || :' EXIT
            inside() { nsenter -t $(init) -a "$@"; }
            for i in $(seq 300); do
              kill -0 $nspawn || { cat console; exit 1; }
              inside systemctl is-system-running --wait >state 2>/dev/null && break
              grep -q degraded state && { inside systemctl --failed; exit 1; }
              sleep 0.1
            done
            cat state; inside systemctl is-active multi-user.target
            inside systemctl poweroff 2>/dev/null || :
            wait $nspawn
            """);
    assertEquals("running\nactive", said);
  }

  /** Each for some seconds, two processes at a time, with its own checks of what it reads. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "access",
        "chdir",
        "chmod",
        "chown",
        "copy-file",
        "dentry",
        "dir",
        "dirdeep",
        "dirmany",
        "fallocate",
        "fanotify",
        "fcntl",
        "file-ioctl",
        "filename",
        "flock",
        "fpunch",
        "fsize",
        "fstat",
        "getdent",
        "handle",
        "hdd",
        "inotify",
        "io",
        "iomix",
        "lease",
        "link",
        "locka",
        "lockf",
        "lockofd",
        "mknod",
        "mmap",
        "msync",
        "open",
        "readahead",
        "rename",
        "seek",
        "sendfile",
        "symlink",
        "sync-file",
        "touch",
        "utime",
        "xattr",
      })
  void stressNgFindsNoFault(String stressor) throws Exception {
    requireProgram("/usr/bin/stress-ng");
    String said =
        node.sh(
            "stress",
            "stress-ng --temp-path . --verify -t 3 --" + stressor + " 2 2>&1 || echo exit $?");
    assertFalse(said.contains("stress-ng: fail:") || said.contains("exit "), said);
    assertEquals("", node.sh("stress", "ls -A"), "left behind");
  }
}
