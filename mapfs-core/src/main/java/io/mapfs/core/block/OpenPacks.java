package io.mapfs.core.block;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files of packs that are read from: the most recently used stay open. */
final class OpenPacks {
  private static final int OPEN_MAX = 256;

  private final Path directory;

  /** Least recently used first. Protected by this object's monitor. */
  private final Map<Integer, PackFile> files = new LinkedHashMap<>(16, 0.75f, true);

  OpenPacks(Path directory) {
    this.directory = directory;
  }

  Path path(int number) {
    return directory.resolve(String.format("%08d.pack", number));
  }

  /** A file that may be closed by others at any time: then ask again. */
  synchronized PackFile get(int number) throws IOException {
    PackFile file = files.get(number);
    if (file == null) {
      file = PackFile.openForReading(number, path(number));
      files.put(number, file);
      if (files.size() > OPEN_MAX) {
        Iterator<PackFile> eldest = files.values().iterator();
        PackFile evicted = eldest.next();
        eldest.remove();
        evicted.close();
      }
    }
    return file;
  }

  /** Closes a file that was or is to be deleted. */
  synchronized void forget(int number) throws IOException {
    PackFile file = files.remove(number);
    if (file != null) {
      file.close();
    }
  }

  synchronized void close() throws IOException {
    List<PackFile> all = new ArrayList<>(files.values());
    files.clear();
    for (PackFile file : all) {
      file.close();
    }
  }
}
