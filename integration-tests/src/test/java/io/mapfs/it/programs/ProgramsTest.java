package io.mapfs.it.programs;

import static io.mapfs.it.programs.NodeMount.requireProgram;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.it.Requirements;
import io.mapfs.it.SmallTree;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Those that take seconds. Each has a directory of its own in one mount. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ProgramsTest {
  private static final String NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

  private NodeMount node;
  private String directory;

  @BeforeAll
  void mount(@TempDir Path temporary) throws Exception {
    Requirements.mounts();
    Path tree = SmallTree.make(Files.createDirectory(temporary.resolve("tree")));
    node = NodeMount.of(tree);
  }

  @AfterAll
  void unmount() throws Exception {
    if (node != null) {
      node.close();
    }
  }

  @BeforeEach
  void enterDirectory(TestInfo test) {
    directory = test.getTestMethod().orElseThrow().getName();
  }

  private String sh(String command) throws Exception {
    return node.sh(directory, command);
  }

  @Test
  void gitKeepsARepository() throws Exception {
    requireProgram("/usr/bin/git");
    String said =
        sh(
            """
            export HOME="$PWD" GIT_CONFIG_NOSYSTEM=1
            git config --global user.name tester; git config --global user.email tester@example.org
            git init -q origin; cd origin
            for i in $(seq 300); do mkdir -p d$((i % 20)); seq $i $((i + 200)) >d$((i % 20))/$i; done
            git add .; git commit -qm first
            for i in $(seq 10); do echo $i >>d1/1; git commit -qam "change $i"; done
            git mv d2 moved; git rm -qr d3; git commit -qm moved
            cd ..; git clone -q origin linked; git clone -q --bare --no-local origin bare
            cd linked; echo mine >mine; git add mine; git commit -qm mine; git push -q ../bare HEAD
            git gc -q --prune=now; git fsck --full --strict
            cd ../bare; git gc -q --aggressive --prune=now; git fsck --full --strict
            cd ../origin; git pull -q ../bare; cat mine; git status --porcelain; git rev-list --count HEAD
            """);
    assertEquals("mine\n13", said);
    node.remount();
    assertEquals(
        "clean",
        sh(
            "export HOME=$PWD; cd origin; git fsck --full --strict; git diff --quiet HEAD; echo clean"));
  }

  @Test
  void makeCompilesAProjectAndKnowsWhatIsUpToDate() throws Exception {
    requireProgram("/usr/bin/gcc");
    requireProgram("/usr/bin/make");
    String said =
        sh(
            """
            for i in $(seq 40); do
              printf '#include "all.h"\\nint f%d(void) { return %d + EXTRA; }\\n' $i $i >f$i.c
              echo "int f$i(void);" >>all.h
            done
            echo '#define EXTRA 0' >>all.h
            { echo '#include <stdio.h>'; echo '#include "all.h"'; echo 'int main(void) { int n = 0;'
              for i in $(seq 40); do echo "n += f$i();"; done
              printf '%s\\n' 'printf("%d\\n", n); return 0; }'; } >main.c
            printf '%s\\n' 'OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))' \\
              'program: libf.a main.o' '\t$(CC) -o $@ main.o -L. -lf' \\
              'libf.a: $(filter f%,$(OBJECTS))' '\t$(AR) rcs $@ $^' '$(OBJECTS): all.h' >Makefile
            make -s -j2; ./program; make -q && echo done
            touch f7.c; make -j2 | grep -c -- ' -c '
            sed -i 's/EXTRA 0/EXTRA 1/' all.h; make -s -j2; ./program; make -q && echo done
            """);
    assertEquals("820\ndone\n1\n860\ndone", said);
  }

  @Test
  void sqliteHasConcurrentWritersInWalModeWithMaps() throws Exception {
    requireProgram("/usr/bin/sqlite3");
    String said =
        sh(
            """
            sqlite3 db 'pragma journal_mode=wal; create table t(writer, n, text)'
            writer() {
              { echo 'pragma busy_timeout=60000; pragma mmap_size=268435456;'
                for n in $(seq 100); do
                  echo "begin immediate; insert into t values($1, $n, hex(randomblob(500))); commit;"
                done; } | sqlite3 db >/dev/null
            }
            reader() {
              for i in $(seq 20); do
                sqlite3 db 'pragma mmap_size=268435456; pragma quick_check' | grep -qx ok || exit 1
              done
            }
            writer 1 & one=$!; writer 2 & two=$!; writer 3 & three=$!; reader & four=$!
            wait $one; wait $two; wait $three; wait $four
            sqlite3 db 'select count(*), count(distinct writer) from t; pragma integrity_check;
              pragma wal_checkpoint(truncate); vacuum; pragma integrity_check'
            """);
    assertEquals("wal\n300|3\nok\n0|0|0\nok", said);
  }

  @Test
  void setuidProgramsRunAsTheirOwner() throws Exception {
    assertEquals("0", sh("cp /usr/bin/id .; chmod 4755 id; " + NOBODY + "./id -u"));
    assertEquals("65534", sh(NOBODY + "./id -ru"));
    assertEquals("65534", sh("cp id plain; chmod 755 plain; " + NOBODY + "./plain -u"));
  }

  @Test
  void fileCapabilitiesGiveWhatTheyName() throws Exception {
    requireProgram("/usr/sbin/setcap");
    assertEquals(
        "denied",
        sh(
            "echo secret >file; chmod 600 file; cp /bin/cat able; "
                + NOBODY
                + "./able file 2>/dev/null || echo denied"));
    assertEquals(
        "secret", sh("/usr/sbin/setcap cap_dac_read_search+ep able; " + NOBODY + "./able file"));
    assertEquals(
        "able cap_dac_read_search=ep", sh("mv able moved; ln moved able; /usr/sbin/getcap able"));
  }

  @Test
  void kernelOverlayfsTakesTheMountForItsUpperDirectory() throws Exception {
    String said =
        sh(
            """
            mkdir upper work merged
            mount -t overlay overlay -o lowerdir=../usr,upperdir=upper,workdir=work merged
            trap 'umount -l merged 2>/dev/null' EXIT
            cd merged
            echo changed >>share/doc/file-1; rm share/doc/file-2; rm -r lib; mkdir lib; echo new >lib/new
            ln share/doc/file-1 share/doc/linked; chmod 700 bin/tool; mknod null c 1 3
            setfattr -n user.a -v b share/doc/file-3; truncate -s 10 share/doc/file-4
            cd ..; umount merged
            mount -t overlay overlay -o lowerdir=../usr,upperdir=upper,workdir=work merged
            tail -n 1 merged/share/doc/file-1 | tail -c 8; test ! -e merged/share/doc/file-2
            ls merged/lib; stat -c %a merged/bin/tool; stat -c %s merged/share/doc/file-4
            stat -c '%F %t %T' upper/share/doc/file-2
            """);
    assertEquals("changed\nnew\n700\n10\ncharacter special file 0 0", said);
  }

  @Test
  void dpkgInstallsUpgradesAndRemoves() throws Exception {
    String said =
        sh(
            """
            package() {
              rm -rf p; mkdir -p p/DEBIAN p/etc p/usr/share/thing; echo "setting = $1" >p/etc/thing.conf
              for i in $(seq $1 200); do echo "$1 $i" >p/usr/share/thing/$i; done
              ln p/usr/share/thing/200 p/usr/share/thing/same; ln -s 200 p/usr/share/thing/link
              printf '%s\\n' 'Package: thing' "Version: $1" 'Architecture: all' \\
                'Maintainer: Tester <tester@example.org>' 'Description: thing' >p/DEBIAN/control
              echo /etc/thing.conf >p/DEBIAN/conffiles
              dpkg-deb --root-owner-group -b p thing_$1.deb >/dev/null
            }
            package 1; package 2
            mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/var/log
            touch root/var/lib/dpkg/status root/var/lib/dpkg/available
            run() { dpkg --root="$PWD/root" --force-confold "$@" >log 2>&1 || { cat log; exit 1; }; }
            run -i thing_1.deb; echo mine >>root/etc/thing.conf; run -i thing_2.deb
            cat root/etc/thing.conf; ls root/usr/share/thing | wc -l; cat root/usr/share/thing/link
            dpkg --root="$PWD/root" --verify thing | awk '{print $2, $3}'
            run -r thing; test ! -e root/usr; tail -n 1 root/etc/thing.conf
            run -P thing; test ! -e root/etc; echo gone
            """);
    assertEquals("setting = 1\nmine\n201\n2 200\nc /etc/thing.conf\nmine\ngone", said);
  }
}
