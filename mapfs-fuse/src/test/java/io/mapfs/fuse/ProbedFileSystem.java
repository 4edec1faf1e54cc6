package io.mapfs.fuse;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A filesystem that counts what reaches it, and can be slow. */
final class ProbedFileSystem {
  private final FileSystemOperations target;
  private final AtomicLong fsyncs = new AtomicLong();
  private volatile String stalled = "";
  private volatile long stallMillis;

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

  long fsyncs() {
    return fsyncs.get();
  }

  /** Makes every later call of that operation wait, until interrupted; 0: no more. */
  void stall(String operation, long millis) {
    stallMillis = millis;
    stalled = operation;
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    if (method.getName().equals("fsync")) {
      fsyncs.incrementAndGet();
    }
    if (method.getName().equals(stalled)) {
      stall((RequestContext) arguments[0]);
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
