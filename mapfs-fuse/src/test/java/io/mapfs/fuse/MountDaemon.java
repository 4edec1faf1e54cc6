package io.mapfs.fuse;

import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.ReferenceFileSystem;
import io.mapfs.core.fs.TestContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * A process that mounts a {@link ReferenceFileSystem}, so that no test ever waits for a mount that
 * its own process serves (it could not be killed then). Ends, unmounted, with its standard input.
 *
 * <pre>
 *  arguments: FRONT_END MOUNT_POINT [ro] [deadline=SECONDS]
 *  says "ready PROTOCOL FEATURES", then answers each line with one line, "ok…" or "failed …":
 *    sync            the mount barrier
 *    calls OPERATION how often it has reached the filesystem
 *    size PATH       what the filesystem itself knows of a file, whatever the kernel holds
 *    mtime PATH
 *    bytes PATH OFFSET LENGTH   in hexadecimal
 *    poke PATH TEXT  changes a file's start behind the kernel's back
 *    inode PATH      invalidates it
 *    entry PATH NAME invalidates an entry
 *    fault OPERATION makes every later call throw; "none": no more
 *    stall OPERATION MILLIS   makes every later call wait so long, until interrupted
 * </pre>
 */
public final class MountDaemon {
  private static final TestContext ROOT = TestContext.root();

  private final FileSystemOperations files;
  private final ProbedFileSystem probed;
  private final MountedFileSystem mounted;

  private MountDaemon(
      FileSystemOperations files, ProbedFileSystem probed, MountedFileSystem mounted) {
    this.files = files;
    this.probed = probed;
    this.mounted = mounted;
  }

  /** Mounts, serves commands, unmounts. */
  public static void main(String[] arguments) throws Exception {
    FileSystemOperations files = new ReferenceFileSystem(coarse());
    ProbedFileSystem probed = new ProbedFileSystem(files);
    MountOptions options =
        MountOptions.of(Path.of(arguments[1]), "mapfs:test")
            .withReadOnly(Arrays.asList(arguments).contains("ro"))
            .withSyncDeadline(Duration.ofSeconds(deadlineSeconds(arguments)));
    try (MountedFileSystem mounted =
        FrontEnds.named(arguments[0]).mount(probed.operations(), options)) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> unmount(mounted)));
      ConnectionFacts facts = mounted.awaitReady(Duration.ofSeconds(10));
      say("ready " + facts.major() + '.' + facts.minor() + ' ' + facts.features());
      new MountDaemon(files, probed, mounted).obey();
    } catch (MountException e) {
      say("failed " + e.getMessage());
    }
    Runtime.getRuntime().halt(0);
  }

  private static void unmount(MountedFileSystem mounted) {
    try {
      mounted.unmount();
    } catch (IOException e) {
      System.err.println(e.getMessage());
    }
  }

  private static int deadlineSeconds(String[] arguments) {
    String prefix = "deadline=";
    return Arrays.stream(arguments)
        .filter(argument -> argument.startsWith(prefix))
        .map(argument -> Integer.valueOf(argument.substring(prefix.length())))
        .findFirst()
        .orElse(60);
  }

  /** The kernel's coarse clock ticks every 1 to 10 ms; this one never runs ahead of it. */
  private static FileClock coarse() {
    return () -> {
      long millis = System.currentTimeMillis() - 10;
      return new FileTime(Math.floorDiv(millis, 1000), Math.floorMod(millis, 1000) * 1_000_000);
    };
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private void obey() throws IOException {
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String answer;
      try {
        answer = obey(List.of(line.split(" ")));
      } catch (FsException | IOException | InterruptedException | RuntimeException e) {
        answer = "failed " + e;
      }
      say(answer);
    }
  }

  private String obey(List<String> words) throws FsException, IOException, InterruptedException {
    switch (words.get(0)) {
      case "sync" -> {
        mounted.syncDirtyPages();
        return "ok";
      }
      case "calls" -> {
        return "ok " + probed.calls(words.get(1));
      }
      case "size" -> {
        return "ok " + files.getattr(ROOT, node(words.get(1))).sizeBytes();
      }
      case "mtime" -> {
        FileTime mtime = files.getattr(ROOT, node(words.get(1))).mtime();
        return String.format("ok %d.%09d", mtime.seconds(), mtime.nanos());
      }
      case "bytes" -> {
        long node = node(words.get(1));
        byte[] bytes = new byte[Integer.parseInt(words.get(3))];
        long handle = files.open(ROOT, node, 0);
        int got =
            files.read(ROOT, node, handle, Long.parseLong(words.get(2)), ByteBuffer.wrap(bytes));
        files.release(ROOT, node, handle);
        return "ok " + HexFormat.of().formatHex(bytes, 0, Math.max(0, got));
      }
      case "poke" -> {
        long node = node(words.get(1));
        long handle = files.open(ROOT, node, 2);
        byte[] text = words.get(2).getBytes(StandardCharsets.UTF_8);
        files.write(ROOT, node, handle, 0, ByteBuffer.wrap(text), false);
        files.release(ROOT, node, handle);
        return "ok";
      }
      case "inode" -> {
        mounted.invalidateInode(node(words.get(1)), 0, 0);
        return "ok";
      }
      case "entry" -> {
        mounted.invalidateEntry(node(words.get(1)), Name.of(words.get(2)));
        return "ok";
      }
      case "fault" -> {
        probed.fault(words.get(1));
        return "ok";
      }
      case "stall" -> {
        probed.stall(words.get(1), Long.parseLong(words.get(2)));
        return "ok";
      }
      default -> throw new IllegalArgumentException(words.get(0));
    }
  }

  private long node(String path) throws FsException {
    long node = NodeId.ROOT;
    for (String name : path.split("/")) {
      if (!name.isEmpty()) {
        node = files.lookup(ROOT, node, Name.of(name)).node();
      }
    }
    return node;
  }
}
