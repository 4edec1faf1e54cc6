package io.mapfs.it.generated;

import io.mapfs.core.fs.FsException;
import io.mapfs.it.LinuxCalls;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * One of the processes: does each step that it reads on the subject and on the reference, and
 * writes both results.
 *
 * <pre>
 *  argument: its number, which says whose rights it has
 *  reads "roots SUBJECT REFERENCE" (closes everything, answers "ok"), or a step (answers
 *  the two results with a tab in between); ends with its standard input
 * </pre>
 */
final class Worker {
  /** How many there are. */
  static final int COUNT = 4;

  private static final int[] UIDS = {0, 0, 1000, 1001};
  private static final int[] GIDS = {0, 0, 1000, 1000};
  private static final int[] UMASKS = {022, 027, 022, 002};

  private final int process;
  private String referenceRoot;
  private Side subject;
  private Side reference;

  private Worker(int process) {
    this.process = process;
  }

  static int uid(int process) {
    return UIDS[process];
  }

  static int gid(int process) {
    return GIDS[process];
  }

  /** The directory where a process works alone. */
  static String ownArea(int process) {
    return "own" + process;
  }

  /** The directory where all work. */
  static String sharedArea() {
    return "shared";
  }

  public static void main(String[] arguments) throws Exception {
    int process = Integer.parseInt(arguments[0]);
    LinuxCalls.leaveGroups();
    LinuxCalls.umask(UMASKS[process]);
    new Worker(process).obey();
  }

  private void obey() throws IOException, FsException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer = "ok";
      if (line.startsWith("roots ")) {
        String[] words = line.split(" ");
        turnTo(words[1], words[2]);
      } else {
        answer = run(ProcessStep.parse(line));
      }
      System.out.println(answer);
      System.out.flush();
    }
  }

  private void turnTo(String subjectRoot, String newReferenceRoot) {
    if (subject != null) {
      subject.close();
      reference.close();
    }
    referenceRoot = newReferenceRoot;
    subject = new Side(subjectRoot);
    reference = new Side(newReferenceRoot);
  }

  private String run(ProcessStep step) throws FsException {
    String area = step.shared() ? sharedArea() : ownArea(process);
    Targets targets = Targets.of(step, referenceRoot, area);
    LinuxCalls.actAs(UIDS[process], GIDS[process]);
    try {
      return subject.run(step, targets) + "\t" + reference.run(step, targets);
    } finally {
      LinuxCalls.actAs(0, 0);
    }
  }
}
