package io.mapfs.it.scorecard;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.DirectoryReader;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.Sandbox;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;

/** A case's own directory in one candidate's mount, and the calls that cases are made of. */
final class Scene {
  private final Candidate candidate;
  private final String directory;

  Scene(Candidate candidate, String directory) {
    this.candidate = candidate;
    this.directory = directory;
  }

  Path dir() {
    return candidate.root().resolve(directory);
  }

  Path path(String name) {
    return dir().resolve(name);
  }

  byte[] bytes(String name) {
    return Posix.bytes(path(name).toString());
  }

  /** Nothing of the mount may be open. */
  void remount() throws Exception {
    candidate.remount();
  }

  /** Bytes that are allocated for changes, in all of the mount. */
  long changedBytes() throws Exception {
    return candidate.changedBytes();
  }

  /** Runs a shell's command in the case's directory: what it said. */
  String sh(String command) throws IOException, InterruptedException {
    return Sandbox.shell("cd \"$1\"; " + command, dir());
  }

  // ---- Files ----

  Descriptor open(String name, int flags) throws FsException {
    return Posix.open(Posix.AT_FDCWD, bytes(name), flags, 0644);
  }

  FileStatus stat(String name) throws FsException {
    return Posix.status(Posix.AT_FDCWD, bytes(name));
  }

  /** Writes over the file's first bytes; it must exist. */
  void overwrite(String name, String text) throws FsException {
    try (Descriptor file = open(name, OpenFlags.O_WRONLY)) {
      write(file, text, 0);
    }
  }

  static void write(Descriptor file, String text, long offset) throws FsException {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    Posix.pwriteFully(
        file.number(), ByteBuffer.allocateDirect(bytes.length).put(bytes).flip(), offset);
  }

  /** At most a hundred bytes from the file's start. */
  static String read(Descriptor file) throws FsException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(100);
    Posix.pread(file.number(), buffer, 0);
    byte[] bytes = new byte[buffer.flip().remaining()];
    buffer.get(bytes);
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  String read(String name) throws FsException {
    try (Descriptor file = open(name, OpenFlags.O_RDONLY)) {
      return read(file);
    }
  }

  void rename(String from, String to) throws FsException {
    rename(from, to, 0);
  }

  void rename(String from, String to, int flags) throws FsException {
    Posix.rename(Posix.AT_FDCWD, bytes(from), Posix.AT_FDCWD, bytes(to), flags);
  }

  void link(String from, String to) throws FsException {
    Posix.link(Posix.AT_FDCWD, bytes(from), Posix.AT_FDCWD, bytes(to), 0);
  }

  void unlink(String name) throws FsException {
    Posix.unlink(Posix.AT_FDCWD, bytes(name), 0);
  }

  void rmdir(String name) throws FsException {
    Posix.unlink(Posix.AT_FDCWD, bytes(name), Posix.AT_REMOVEDIR);
  }

  void mkdir(String name) throws FsException {
    Posix.makeDirectory(Posix.AT_FDCWD, bytes(name), 0755);
  }

  void create(String name) throws FsException {
    open(name, OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_WRONLY).close();
  }

  /** The names in a directory and the inode numbers that readdir tells for them. */
  SortedMap<String, Long> list(String name) throws FsException {
    try (Descriptor open = open(name, OpenFlags.O_DIRECTORY)) {
      SortedMap<String, Long> entries = new TreeMap<>();
      DirectoryReader reader = new DirectoryReader(open.number());
      while (reader.next()) {
        entries.put(reader.name().toString(), reader.ino());
      }
      return entries;
    }
  }
}
