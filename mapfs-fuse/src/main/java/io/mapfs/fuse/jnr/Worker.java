package io.mapfs.fuse.jnr;

/** A thread that serves requests, and the one that it is serving. */
final class Worker extends Thread {
  private final Request request = new Request();

  Worker(Runnable body, String name) {
    super(body, name);
    setDaemon(true);
  }

  /** The request that the current thread, which is a worker, is serving. */
  static Request request() {
    return ((Worker) Thread.currentThread()).request;
  }
}
