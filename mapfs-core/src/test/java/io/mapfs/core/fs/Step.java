package io.mapfs.core.fs;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * One generated operation: a kind, and numbers from which {@link OperationDriver} picks nodes,
 * names and sizes among what there is. So any part of a sequence is a sequence.
 */
public record Step(Kind kind, int a, int b, int c, int d) {
  /** What a step does; the number says how often it is drawn. */
  public enum Kind {
    LOOKUP(14),
    CREATE(8),
    MKDIR(6),
    SYMLINK(2),
    MKNOD(2),
    TMPFILE(1),
    UNLINK(7),
    RMDIR(4),
    RENAME(10),
    LINK(5),
    CHMOD(3),
    CHOWN(3),
    TIMES(2),
    TRUNCATE(5),
    OPEN(4),
    RELEASE(4),
    WRITE(16),
    READ(8),
    FALLOCATE(4),
    COPY(2),
    SEEK(3),
    SET_XATTR(4),
    SET_ACL(2),
    REMOVE_XATTR(2),
    XATTRS(2),
    READDIR(4),
    READLINK(1),
    GETATTR(4),
    FORGET(6),
    SYNC(3),
    CUT(3),
    /** Forgets and closes everything, as an unmount does. */
    RESET(0),
    REMOUNT(1),
    CRASH(1),
    FETCH_HEAD(1);

    private final int weight;

    Kind(int weight) {
      this.weight = weight;
    }
  }

  private static final List<Kind> DRAW = new ArrayList<>();

  static {
    for (Kind kind : Kind.values()) {
      for (int i = 0; i < kind.weight; i++) {
        DRAW.add(kind);
      }
    }
  }

  public static List<Step> sequence(long seed, int length) {
    Random random = new Random(seed);
    List<Step> steps = new ArrayList<>(length);
    for (int i = 0; i < length; i++) {
      steps.add(
          new Step(
              DRAW.get(random.nextInt(DRAW.size())),
              random.nextInt(1 << 20),
              random.nextInt(1 << 20),
              random.nextInt(1 << 20),
              random.nextInt(1 << 20)));
    }
    return steps;
  }
}
