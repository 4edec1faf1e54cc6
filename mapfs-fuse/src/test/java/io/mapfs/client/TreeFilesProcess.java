package io.mapfs.client;

import io.mapfs.core.tree.TreeIndex;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A process of its own that downloads a tree into a directory, and stops in the middle of it. */
final class TreeFilesProcess implements AutoCloseable {
  private static final String DOWNLOADING = "downloading";
  private static final long END_SECONDS = 60;

  private final Process process;
  private final BufferedReader out;

  /**
   * @param tree the tree's file
   * @param directory where it is downloaded to
   */
  TreeFilesProcess(Path tree, Path directory) throws IOException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Djnr.ffi.x86asm.enabled=false",
                "-cp",
                System.getProperty("java.class.path"),
                TreeFilesProcess.class.getName(),
                tree.toString(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Waits until it is in the middle of the download. */
  void awaitDownloading() throws IOException {
    String line;
    do {
      line = out.readLine();
      if (line == null) {
        throw new IOException("the process ended without a download");
      }
    } while (!line.equals(DOWNLOADING));
  }

  /** Lets it go on; returns how it ended. */
  int goOn() throws IOException, InterruptedException {
    process.getOutputStream().close();
    process.waitFor(END_SECONDS, TimeUnit.SECONDS);
    return process.exitValue();
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  public static void main(String[] arguments) throws Exception {
    FakeAppliance appliance = new FakeAppliance();
    TreeIndex tree = TreeIndex.open(Path.of(arguments[0]));
    appliance.add(tree);
    appliance.meanwhile =
        () -> {
          appliance.meanwhile = () -> {};
          System.out.println(DOWNLOADING);
          try {
            // Until the other end closes it.
            System.in.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
    new TreeFiles(appliance, Path.of(arguments[1])).open(tree.master(), tree.version());
  }
}
