package io.mapfs.it.generated;

import io.mapfs.core.fingerprint.TreeFingerprint;
import io.mapfs.it.Sandbox;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Runs sequences of steps, each in a fresh directory of the subject and of the reference, and tells
 * where the two first differ. Steps in processes' own directories run beside each other, up to the
 * next one in the shared directory.
 */
final class LockStepTrial implements AutoCloseable {
  /** Takes the subject down and makes it again. */
  interface Remount {
    void run() throws Exception;
  }

  /**
   * How the two sides differ.
   *
   * @param steps how many steps led there
   */
  record Difference(int steps, String text) {}

  private record Sent(int at, ProcessStep step) {}

  private final Path subject;
  private final Path reference;
  private final Remount remount;
  private final List<WorkerProcess> workers = new ArrayList<>();
  private final List<Deque<Sent>> sent = new ArrayList<>();
  private int runs;

  /** Both trees hold equal directories, one for each run: see {@link #runDirectory}. */
  LockStepTrial(Path subject, Path reference, Remount remount) throws IOException {
    this.subject = subject;
    this.reference = reference;
    this.remount = remount;
    for (int process = 0; process < Worker.COUNT; process++) {
      workers.add(WorkerProcess.start(Worker.class, Integer.toString(process)));
      sent.add(new ArrayDeque<>());
    }
  }

  /** The name of the directory in which a run works. */
  static String runDirectory(int run) {
    return "run-" + run;
  }

  /** Runs a sequence: how the two sides differ, or {@code null} if they do not. */
  Difference run(List<ProcessStep> steps) throws Exception {
    String directory = runDirectory(runs++);
    turnTo(directory);
    Difference difference = null;
    for (int at = 0; at < steps.size() && difference == null; at++) {
      ProcessStep step = steps.get(at);
      if (step.kind() == ProcessStep.Kind.REMOUNT) {
        difference = settle();
        if (difference == null) {
          // What is open belongs to files that the remount ends.
          turnTo(directory);
          remount.run();
          difference = trees(directory, at + 1);
        }
      } else {
        difference = step.shared() ? settle() : null;
        if (difference == null) {
          workers.get(step.process()).send(step.toString());
          sent.get(step.process()).add(new Sent(at, step));
          difference = step.shared() ? settle() : null;
        }
      }
    }
    Difference last = settle();
    if (difference == null) {
      difference = last;
    }
    return difference == null ? trees(directory, steps.size()) : difference;
  }

  /** Closes everything and works in that directory from now on. */
  private void turnTo(String directory) throws IOException, InterruptedException {
    for (WorkerProcess worker : workers) {
      worker.send("roots " + subject.resolve(directory) + " " + reference.resolve(directory));
    }
    for (WorkerProcess worker : workers) {
      String answer = worker.answer();
      if (!answer.equals("ok")) {
        throw new IOException(answer);
      }
    }
  }

  /** Waits for what is on its way: the first difference. */
  private Difference settle() throws InterruptedException {
    Difference first = null;
    for (int process = 0; process < workers.size(); process++) {
      for (Sent each : sent.get(process)) {
        String answer = workers.get(process).answer();
        String[] results = answer.split("\t");
        boolean same = results.length == 2 && results[0].equals(results[1]);
        if (!same && (first == null || each.at < first.steps)) {
          first = new Difference(each.at + 1, each.step + ": " + answer.replace("\t", ", not "));
        }
      }
      sent.get(process).clear();
    }
    return first;
  }

  /** How the two trees differ first. */
  private Difference trees(String directory, int steps) throws Exception {
    List<String> actual = lines(subject.resolve(directory));
    List<String> expected = lines(reference.resolve(directory));
    for (int i = 0; i < Math.max(actual.size(), expected.size()); i++) {
      String one = i < actual.size() ? actual.get(i) : "nothing";
      String two = i < expected.size() ? expected.get(i) : "nothing";
      if (!one.equals(two)) {
        return new Difference(steps, "the trees: " + one + "\n not " + two);
      }
    }
    return null;
  }

  /** A tree's fingerprint, without the times that were the clock's. */
  private static List<String> lines(Path tree) throws IOException, InterruptedException {
    List<String> lines = new ArrayList<>();
    TreeFingerprint.of(
        tree,
        false,
        1,
        line -> lines.add(line.toString().replaceFirst(" mtime=\\d{10,}\\.\\d+", "")));
    return lines;
  }

  /** Makes a tree with a directory for each run. */
  static void makeTrees(Path root, int runs) throws IOException, InterruptedException {
    Sandbox.shell(
        """
        cd "$1"; mkdir template; cd template
        for area in shared:0:0 own0:0:0 own1:0:0 own2:1000:1000 own3:1001:1000; do
          mkdir -p "${area%%:*}"; cd "${area%%:*}"; mkdir -p dir/a/b acl
          head -c 6000 /dev/urandom >file; : >a; seq 10 >dir/c; ln file hard; ln -s dir/c link
          head -c 5000 /dev/urandom >big; truncate -s 90000 big; head -c 5000 /dev/urandom >>big
          cp big dir/b; mkfifo dir/a/fifo; chown -Rh "${area#*:}" .
          chmod 6755 dir/b; setcap cap_net_raw+ep dir/b; chmod 2775 acl
          setfattr -n user.one -v text dir/c; setfacl -d -m u::rwx,g::r-x,o::r--,u:1000:rw acl
          find . -exec touch -h -d @500000000.123456789 {} +; cd ..
        done
        chmod 777 shared; cd ..
        for run in $(seq 0 "$2"); do cp -a template "run-$run"; done; rm -r template
        """,
        root, runs - 1);
  }

  @Override
  public void close() throws InterruptedException {
    for (WorkerProcess worker : workers) {
      worker.close();
    }
  }
}
