package io.mapfs.fuse.direct;

import io.mapfs.core.posix.FileStatus;
import io.mapfs.fuse.KernelMount;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * A running {@link SyncHelper}, seen from the daemon. Any thread may ask; answers come by future.
 */
final class SyncProcess implements AutoCloseable {
  /** How many files are written back at the same time. */
  static final int THREADS = 4;

  /** The answer for an inode that the kernel no longer has: it had nothing to write. */
  static final long GONE = -1;

  private static final int START_SECONDS_MAX = 20;
  private static final int NATIVE_ACCESS_FEATURE = 24;

  private final Process process;
  private final OutputStream commands;
  private final Map<Long, CompletableFuture<Long>> pending = new ConcurrentHashMap<>();
  private final AtomicLong sequences = new AtomicLong();
  private final Set<Integer> threadIds;

  /** Set once no answer will come any more. */
  private volatile boolean silent;

  private SyncProcess(Process process, BufferedReader answers, Set<Integer> threadIds) {
    this.process = process;
    this.commands = process.getOutputStream();
    this.threadIds = threadIds;
    Thread thread = new Thread(() -> receive(answers), "fuse-sync-answers");
    thread.setDaemon(true);
    thread.start();
  }

  /** Where the native library of jnr-ffi is, if not in the class path. */
  private static final String LIBRARY = "jffi.boot.library.path";

  /** Starts it and waits until it answers. */
  static SyncProcess start(KernelMount mount) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx16m",
            "-Xss512k",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Djnr.ffi.x86asm.enabled=false"));
    if (Runtime.version().feature() >= NATIVE_ACCESS_FEATURE) {
      command.add("--enable-native-access=ALL-UNNAMED");
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    String library = System.getProperty(LIBRARY);
    if (library != null) {
      command.add("-D" + LIBRARY + "=" + library);
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(SyncHelper.class.getName());
    command.addAll(
        List.of(
            mount.mountPoint().toString(),
            Integer.toString(FileStatus.encodeDevice(mount.major(), mount.minor())),
            Integer.toString(mount.id()),
            Integer.toString(THREADS)));
    Process process =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    try {
      return new SyncProcess(process, answers, readyThreads(answers));
    } catch (IOException | InterruptedException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static Set<Integer> readyThreads(BufferedReader answers)
      throws IOException, InterruptedException {
    CompletableFuture<String> line =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return answers.readLine();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    try {
      String ready = line.get(START_SECONDS_MAX, TimeUnit.SECONDS);
      if (ready == null || !ready.startsWith(SyncHelper.READY + ' ')) {
        throw new IOException("the process that syncs the mount did not start: it said " + ready);
      }
      return Arrays.stream(ready.split(" "))
          .skip(1)
          .map(Integer::valueOf)
          .collect(Collectors.toSet());
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("the process that syncs the mount did not start", e);
    }
  }

  /** Whether it may still answer: its end shows first by its closed pipe. */
  boolean isAlive() {
    return !silent && process.isAlive();
  }

  boolean hasThread(int threadId) {
    return threadIds.contains(threadId);
  }

  /**
   * Has a node's pages written back.
   *
   * @param command {@link SyncHelper#SYNC} or {@link SyncHelper#PAGES}
   * @return the file's length, or {@link #GONE}; or an {@link IOException}
   */
  CompletableFuture<Long> ask(String command, long node) {
    long sequence = sequences.incrementAndGet();
    CompletableFuture<Long> answer = new CompletableFuture<>();
    pending.put(sequence, answer);
    String line = sequence + " " + command + ' ' + Long.toHexString(node) + '\n';
    try {
      synchronized (commands) {
        commands.write(line.getBytes(StandardCharsets.US_ASCII));
        commands.flush();
      }
    } catch (IOException e) {
      // A broken pipe shows its end before the system does.
      silent = true;
      pending.remove(sequence);
      answer.completeExceptionally(new IOException("the process that syncs the mount is gone", e));
    }
    if (!isAlive()) {
      failAll();
    }
    return answer;
  }

  private void receive(BufferedReader answers) {
    try (answers) {
      for (String line = answers.readLine(); line != null; line = answers.readLine()) {
        String[] words = line.split(" ", 3);
        CompletableFuture<Long> answer = pending.remove(Long.valueOf(words[0]));
        if (answer != null) {
          switch (words[1]) {
            case SyncHelper.OK -> answer.complete(Long.valueOf(words[2]));
            case SyncHelper.GONE -> answer.complete(GONE);
            default -> answer.completeExceptionally(new IOException(words[2]));
          }
        }
      }
    } catch (IOException e) {
      // The pipe broke with the process: told to all who wait, below.
    } finally {
      silent = true;
      failAll();
    }
  }

  private void failAll() {
    IOException gone = new IOException("the process that syncs the mount has ended");
    for (Long sequence : List.copyOf(pending.keySet())) {
      CompletableFuture<Long> answer = pending.remove(sequence);
      if (answer != null) {
        answer.completeExceptionally(gone);
      }
    }
  }

  /** Kills it; what it was asked fails. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
