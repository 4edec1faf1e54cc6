package io.mapfs.fuse;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A filesystem that counts what reaches it, and can be slow, or throw what it should not. */
final class ProbedFileSystem {
  private final FileSystemOperations target;
  private final Map<String, AtomicLong> calls = new ConcurrentHashMap<>();
  private volatile String stalled = "";
  private volatile long stallMillis;
  private volatile String faulty = "";

  ProbedFileSystem(FileSystemOperations target) {
    this.target = target;
  }

  /** The filesystem to mount. */
  FileSystemOperations operations() {
    return (FileSystemOperations)
        Proxy.newProxyInstance(
            ProbedFileSystem.class.getClassLoader(),
            new Class<?>[] {FileSystemOperations.class},
            (proxy, method, arguments) -> call(method, arguments));
  }

  /** How often an operation was called. */
  long calls(String operation) {
    AtomicLong count = calls.get(operation);
    return count == null ? 0 : count.get();
  }

  /** Makes every later call of that operation wait, until interrupted; 0: no more. */
  void stall(String operation, long millis) {
    stallMillis = millis;
    stalled = operation;
  }

  /** Makes every later call of that operation throw; "none": no more. */
  void fault(String operation) {
    faulty = operation;
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    calls.computeIfAbsent(method.getName(), name -> new AtomicLong()).incrementAndGet();
    if (method.getName().equals(stalled)) {
      stall((RequestContext) arguments[0]);
    }
    if (method.getName().equals(faulty)) {
      throw new IllegalStateException("a fault that is planted");
    }
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private void stall(RequestContext context) throws FsException, InterruptedException {
    if (stallMillis == 0) {
      return;
    }
    CountDownLatch interrupted = new CountDownLatch(1);
    context.onInterrupt(interrupted::countDown);
    if (interrupted.await(stallMillis, TimeUnit.MILLISECONDS)) {
      throw new FsException(Errno.EINTR, "stalled");
    }
    context.onInterrupt(null);
  }
}
