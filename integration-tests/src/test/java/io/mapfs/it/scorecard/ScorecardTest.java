package io.mapfs.it.scorecard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mapfs.core.fs.FsException;
import io.mapfs.it.Requirements;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs every case on every candidate and prints the table. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ScorecardTest {
  private static final Path PAGE = Path.of("..", "docs", "semantics.md");

  private final Map<Case, String> directories = new LinkedHashMap<>();
  private final List<Candidate> candidates = new ArrayList<>();
  private final Scorecard scorecard = new Scorecard();
  private Candidate ext4;
  private Candidate mapfs;
  private Sandbox user;

  static Stream<Case> cases() {
    return Scorecard.cases();
  }

  @BeforeAll
  void mountAll() throws Exception {
    Requirements.mounts();
    Requirements.require(Files.exists(Path.of("/dev/loop-control")), "there are no loop devices");
    Requirements.require(
        Files.exists(Path.of("/usr/bin/fuse-overlayfs")), "there is no fuse-overlayfs");
    user = new Sandbox();
    Path disk = user.newDisk("disk");
    Path lower = Files.createDirectory(disk.resolve("lower"));
    Path plain = Files.createDirectory(disk.resolve("plain"));
    for (Case prepared : (Iterable<Case>) cases()::iterator) {
      String directory = String.format("case-%02d", directories.size());
      directories.put(prepared, directory);
      prepared.preparation().in(Files.createDirectory(lower.resolve(directory)));
      prepared.preparation().in(Files.createDirectories(plain.resolve("root/" + directory)));
    }
    ext4 = start(new PlainDirectory(plain));
    start(OverlayPeer.kernel("kernel overlayfs", lower, newDirectory(disk, "overlay")));
    start(OverlayPeer.kernel("the same, two disks", lower, user.newDisk("other")));
    start(OverlayPeer.fuse(lower, newDirectory(disk, "fuse-overlayfs")));
    mapfs = start(new MapFsNode(user, lower));
  }

  private static Path newDirectory(Path parent, String name) throws Exception {
    return Files.createDirectory(parent.resolve(name));
  }

  private Candidate start(Candidate candidate) throws Exception {
    candidate.mount();
    candidates.add(candidate);
    return candidate;
  }

  @AfterAll
  void unmountAll() throws Exception {
    if (user != null) {
      user.close();
      System.out.println(
          scorecard.table(candidates.stream().filter(candidate -> candidate != ext4).toList()));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void holds(Case tried) throws Exception {
    Map<Candidate, String> deviations = new LinkedHashMap<>();
    for (Candidate candidate : candidates) {
      String deviation = deviation(tried, candidate);
      scorecard.record(tried, candidate.name(), deviation);
      deviations.put(candidate, deviation);
    }
    assertNull(deviations.get(ext4), "not true of a local disk");
    assertNull(deviations.get(mapfs));
  }

  /** In what a candidate deviates, in a few words; {@code null} if it does not. */
  private String deviation(Case tried, Candidate candidate) throws Exception {
    try {
      tried.check().on(new Scene(candidate, directories.get(tried)));
      return null;
    } catch (FsException e) {
      return e.errno().toString();
    } catch (AssertionError e) {
      return e.getMessage().lines().findFirst().orElseThrow().replaceAll(" ==> .*", "");
    }
  }

  /** The page's table has these promises, and says of each that MapFS holds it. */
  @Test
  void thePageHasTheTable() throws Exception {
    List<String> held =
        Files.readAllLines(PAGE).stream()
            .dropWhile(line -> !line.startsWith("| promise | told of by |"))
            .skip(2)
            .takeWhile(line -> line.startsWith("| ") && !line.startsWith("| **held"))
            .filter(line -> line.endsWith(" | holds |"))
            .map(line -> line.substring(2, line.indexOf(" | ", 2)))
            .toList();
    assertEquals(cases().map(Case::promise).toList(), held);
  }
}
