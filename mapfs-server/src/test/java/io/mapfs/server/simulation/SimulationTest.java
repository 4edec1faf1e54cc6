package io.mapfs.server.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The protocol's rules under everything that can go wrong, in virtual time. {@code
 * -Dmapfs.sim.seeds=N} runs more seeds, {@code -Dmapfs.sim.seed=S} one alone, as a failure names
 * it.
 */
final class SimulationTest {
  private static final int SEEDS = Integer.getInteger("mapfs.sim.seeds", 3_000);
  private static final int PLANTED_SEEDS_MAX = 2_000;

  @Test
  void nothingPromisedIsBroken() {
    Long only = Long.getLong("mapfs.sim.seed");
    long first = only == null ? 1 : only;
    long last = only == null ? SEEDS : only;
    long steps = 0;
    long records = 0;
    long fsyncs = 0;
    int unused = 0;
    Set<Integer> states = new HashSet<>();
    for (long seed = first; seed <= last; seed++) {
      Simulation run;
      try {
        run = new Simulation(seed, null).run();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("-Dmapfs.sim.seed=" + seed + ": " + e.getMessage(), e);
      }
      steps += run.world().steps();
      states.addAll(run.world().states());
      records += run.history().acknowledgedRecords();
      fsyncs += run.history().fsyncs();
      unused += run.history().fsyncs() == 0 ? 1 : 0;
    }
    System.err.printf(
        "%d seeds: %d events, %d distinct states, %d records and %d fsyncs acknowledged, %d runs"
            + " without one, 0 violations%n",
        last - first + 1, steps, states.size(), records, fsyncs, unused);
    assertTrue(unused <= (last - first + 1) / 20, unused + " runs got nothing done");
  }

  @Test
  void aSeedIsTheSameRunEachTime() {
    Simulation one = new Simulation(42, null).run();
    Simulation other = new Simulation(42, null).run();
    assertEquals(one.world().steps(), other.world().steps());
    assertEquals(one.history().acknowledgedRecords(), other.history().acknowledgedRecords());
    assertEquals(one.world().states(), other.world().states());
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void aPlantedFaultIsFound(Fault fault) {
    for (long seed = 1; seed <= PLANTED_SEEDS_MAX; seed++) {
      try {
        new Simulation(seed, fault).run();
      } catch (History.Violation e) {
        System.err.printf("%s is found by seed %d: %s%n", fault, seed, e.getMessage());
        return;
      }
    }
    fail(fault + " is not found by " + PLANTED_SEEDS_MAX + " seeds");
  }
}
