package io.mapfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SignalledRequestsTest {
  private static final int CALLER = 7;

  private final Set<Integer> dying = ConcurrentHashMap.newKeySet();
  private final Semaphore looks = new Semaphore(0);
  private final Interruption thread = new Interruption();
  private final SignalledRequests signalled =
      new SignalledRequests(
          caller -> {
            assertEquals(CALLER, caller);
            looks.release();
            return dying.contains(caller);
          });

  @Test
  void interruptsTheRequestOfACallerThatIsKilled() {
    dying.add(CALLER);
    thread.begin(100, CALLER);
    signalled.add(thread, 100, CALLER);
    assertTrue(thread.isInterrupted());
  }

  @Test
  void letsARequestGoOnUntilItsCallerIsKilled() throws InterruptedException {
    CountDownLatch interrupted = new CountDownLatch(1);
    thread.begin(100, CALLER);
    thread.onInterrupt(interrupted::countDown);
    signalled.add(thread, 100, CALLER);
    looks.acquire(3);
    assertFalse(thread.isInterrupted());
    dying.add(CALLER);
    assertTrue(interrupted.await(60, TimeUnit.SECONDS));
    assertTrue(thread.isInterrupted());
  }

  @Test
  void leavesTheNextRequestAlone() throws InterruptedException {
    thread.begin(100, CALLER);
    signalled.add(thread, 100, CALLER);
    looks.acquire(2);
    thread.end();
    thread.begin(101, CALLER);
    // Another that is watched: whoever looks at it has looked at the first.
    Interruption other = new Interruption();
    CountDownLatch interrupted = new CountDownLatch(1);
    other.begin(102, CALLER);
    other.onInterrupt(interrupted::countDown);
    signalled.add(other, 102, CALLER);
    dying.add(CALLER);
    assertTrue(interrupted.await(60, TimeUnit.SECONDS));
    assertFalse(thread.isInterrupted());
  }

  @Test
  void knowsThreadsThatAreThere() {
    assertFalse(Callers.isDying((int) ProcessHandle.current().pid()));
    assertTrue(Callers.isDying(Request.PID));
  }
}
