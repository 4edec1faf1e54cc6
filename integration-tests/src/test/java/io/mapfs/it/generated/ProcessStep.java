package io.mapfs.it.generated;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * One generated operation of one process: a kind, and numbers from which {@link Worker} picks
 * names, files and sizes among what there is. So any part of a sequence is a sequence.
 *
 * @param process who does it
 * @param shared whether it is done where all processes work, and then alone; else in the process's
 *     own directory, beside what the others do in theirs
 */
record ProcessStep(int process, boolean shared, Kind kind, int a, int b, int c, int d) {
  /** What a step does; the number says how often it is drawn. */
  enum Kind {
    CREATE(10),
    OPEN(6),
    CLOSE(5),
    WRITE(14),
    READ(6),
    READ_OPEN(4),
    TRUNCATE(6),
    ALLOCATE(7),
    COPY(4),
    SEEK(3),
    FSYNC(2),
    TMPFILE(2),
    LINK_OPEN(3),
    MKDIR(7),
    RMDIR(4),
    UNLINK(7),
    RENAME(11),
    LINK(6),
    SYMLINK(2),
    MKNOD(2),
    CHMOD(4),
    CHOWN(3),
    TIMES(3),
    SET_XATTR(4),
    REMOVE_XATTR(2),
    SET_ACL(3),
    STAT(6),
    STAT_OPEN(3),
    LIST(5),
    MAP(5),
    STORE(8),
    LOAD(5),
    UNMAP(2),
    LOCK(4),
    /** Everything is closed, the mount taken down and made again. */
    REMOUNT(0);

    private final int weight;

    Kind(int weight) {
      this.weight = weight;
    }
  }

  /** Processes work beside each other for so many steps, then one after the other, and again. */
  private static final int PHASE = 40;

  private static final List<Kind> DRAW = new ArrayList<>();

  static {
    for (Kind kind : Kind.values()) {
      for (int i = 0; i < kind.weight; i++) {
        DRAW.add(kind);
      }
    }
  }

  /** A sequence with this many remounts, the last one at its end. */
  static List<ProcessStep> sequence(long seed, int processes, int length, int remounts) {
    Random random = new Random(seed);
    List<ProcessStep> steps = new ArrayList<>(length);
    for (int i = 0; i < length; i++) {
      boolean remount = (i + 1) % (length / remounts) == 0;
      steps.add(
          new ProcessStep(
              random.nextInt(processes),
              i / PHASE % 2 == 1,
              remount ? Kind.REMOUNT : DRAW.get(random.nextInt(DRAW.size())),
              random.nextInt(1 << 20),
              random.nextInt(1 << 20),
              random.nextInt(1 << 20),
              random.nextInt(1 << 20)));
    }
    return steps;
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    return String.join(
        " ",
        Integer.toString(process),
        shared ? "shared" : "own",
        kind.name(),
        Integer.toString(a),
        Integer.toString(b),
        Integer.toString(c),
        Integer.toString(d));
  }

  static ProcessStep parse(String line) {
    String[] words = line.split(" ");
    return new ProcessStep(
        Integer.parseInt(words[0]),
        words[1].equals("shared"),
        Kind.valueOf(words[2]),
        Integer.parseInt(words[3]),
        Integer.parseInt(words[4]),
        Integer.parseInt(words[5]),
        Integer.parseInt(words[6]));
  }
}
