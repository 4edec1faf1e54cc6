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

  void stallMillis(long millis) {
    stallMillis = millis;
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    switch (method.getName()) {
      case "fsync" -> fsyncs.incrementAndGet();
      case "read" -> stall((RequestContext) arguments[0]);
      default -> {}
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
      throw new FsException(Errno.EINTR, "stalled read");
    }
    context.onInterrupt(null);
  }
}
