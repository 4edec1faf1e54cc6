package io.mapfs.core.fs;

import java.util.ArrayList;
import java.util.List;

/** Makes a sequence that fails smaller, by leaving out ever smaller parts of it. */
public final class Shrinking {
  /** Runs a sequence from the start. */
  @FunctionalInterface
  public interface Trial<T> {
    boolean fails(List<T> sequence) throws Exception;
  }

  private Shrinking() {}

  /**
   * The smallest sequence found that still fails.
   *
   * @param failing one that fails
   * @param runsMax most trials
   */
  public static <T> List<T> shrink(List<T> failing, int runsMax, Trial<T> trial) throws Exception {
    List<T> smallest = failing;
    int budget = runsMax;
    for (int size = smallest.size() / 2; size >= 1 && budget > 0; size /= 2) {
      for (int at = 0; at < smallest.size() && budget > 0; budget--) {
        List<T> candidate = new ArrayList<>(smallest.subList(0, at));
        candidate.addAll(smallest.subList(Math.min(smallest.size(), at + size), smallest.size()));
        if (trial.fails(candidate)) {
          smallest = candidate;
        } else {
          at += size;
        }
      }
    }
    return smallest;
  }
}
