package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.posix.FileStatus;
import java.util.Arrays;
import java.util.Collections;

/**
 * Reads a tar's entries: ustar, GNU and PAX (POSIX.1-2001), with GNU's long names, sparse files of
 * all four kinds and base-256 numbers. Names stay bytes.
 *
 * <p>Written here because a root filesystem's names and xattrs are bytes, and libraries decode PAX
 * records as UTF-8.
 *
 * <pre>
 *   0 name 100    100 mode 8    108 uid 8    116 gid 8    124 size 12    136 mtime 12
 * 148 checksum 8  156 type 1    157 link name 100         257 magic 6    263 version 2
 * 265 owner 32    297 group 32  329 major 8  337 minor 8  345 prefix 155 (ustar)
 *                                                         386 sparse, 482 more, 483 size (GNU)
 * </pre>
 */
final class TarReader {
  /** Most bytes of an extended header: a few of the largest xattrs, or a long sparse map. */
  private static final int EXTENDED_BYTES_MAX = 16 << 20;

  /** Most extents of a sparse file. */
  private static final int EXTENTS_MAX = 1 << 20;

  private static final int SPARSE_IN_HEADER = 4;
  private static final int SPARSE_IN_EXTENSION = 21;
  private static final int SPARSE_BYTES = 24;

  private final TarInput input;
  private final byte[] header = new byte[TarInput.RECORD_BYTES];
  private final PaxRecords global;

  /** What is left of the present entry's stored data, and what fills its last record. */
  private long dataLeft;

  private long dataBytes;
  private boolean ended;

  TarReader(TarInput input) {
    this.input = input;
    this.global = new PaxRecords(input);
  }

  /** The next entry, or {@code null} after the last; data that were not read are skipped. */
  TarEntry next() throws ImportException {
    if (ended) {
      return null;
    }
    endData();
    PaxRecords pax = new PaxRecords(input);
    pax.addAll(global);
    boolean extended = false;
    byte[] longName = null;
    byte[] longLink = null;
    while (true) {
      if (!input.readRecord(header)) {
        throw input.broken("the tar is cut off: its end mark is missing; get a whole copy");
      }
      if (isZero()) {
        input.drain();
        ended = true;
        return null;
      }
      verifyChecksum();
      switch (header[156]) {
        case 'x', 'X' -> {
          pax.add(readExtended());
          extended = true;
        }
        case 'g' -> {
          byte[] records = readExtended();
          global.add(records);
          pax.add(records);
        }
        case 'L' -> longName = upToNul(readExtended(), 0, Integer.MAX_VALUE);
        case 'K' -> longLink = upToNul(readExtended(), 0, Integer.MAX_VALUE);
        case 'V' -> skipEntry();
        case 'M' -> throw input.broken("a part of a tar in several volumes; join them first");
        default -> {
          return entry(pax, extended, longName, longLink);
        }
      }
    }
  }

  /** Reads so many of the present entry's stored bytes. */
  void readData(byte[] target, int offset, int length) throws ImportException {
    if (length > dataLeft) {
      throw input.broken("a sparse file's map is longer than its data");
    }
    input.readFully(target, offset, length);
    dataLeft -= length;
  }

  private void startData(long bytes) {
    dataBytes = bytes;
    dataLeft = bytes;
  }

  private void endData() throws ImportException {
    input.skip(dataLeft);
    input.skipPadding(dataBytes);
    startData(0);
  }

  private void skipEntry() throws ImportException {
    startData(size());
    endData();
  }

  private byte[] readExtended() throws ImportException {
    long length = size();
    if (length > EXTENDED_BYTES_MAX) {
      throw input.broken("an extended header has " + length + " bytes");
    }
    byte[] content = new byte[(int) length];
    input.readFully(content, 0, content.length);
    input.skipPadding(length);
    return content;
  }

  private TarEntry entry(PaxRecords pax, boolean extended, byte[] longName, byte[] longLink)
      throws ImportException {
    byte[] path = pax.bytes("GNU.sparse.name");
    if (path == null) {
      path = pax.bytes("path");
    }
    if (path == null) {
      path = longName == null ? headerPath() : longName;
    }
    byte flag = header[156];
    boolean directoryByName = path.length > 0 && path[path.length - 1] == '/';
    FileType type =
        switch (flag) {
          case '1' -> null;
          case '2' -> FileType.SYMLINK;
          case '3' -> FileType.CHARACTER_DEVICE;
          case '4' -> FileType.BLOCK_DEVICE;
          case '5', 'D' -> FileType.DIRECTORY;
          case '6' -> FileType.FIFO;
          // Before POSIX a directory was a file whose name ends in a slash.
          case 0, '0' -> directoryByName ? FileType.DIRECTORY : FileType.REGULAR;
          case '7', 'S' -> FileType.REGULAR;
          default -> throw input.broken("entry type '" + (char) (flag & 0xff) + "' is not known");
        };
    byte[] linkPath = null;
    if (type == null || type == FileType.SYMLINK) {
      linkPath = pax.bytes("linkpath");
      if (linkPath == null) {
        linkPath = longLink == null ? upToNul(header, 157, 100) : longLink;
      }
    }
    long storedBytes = pax.number("size", size());
    if (storedBytes < 0) {
      throw input.broken("an entry has " + storedBytes + " bytes");
    }
    // Of a hard link the size is the file's, but data follow only where PAX says so.
    boolean hasData = type == FileType.REGULAR || flag == 'D' || (type == null && extended);
    startData(hasData ? storedBytes : 0);
    long[] extents = new long[0];
    long size = 0;
    if (type == FileType.REGULAR) {
      size = storedBytes;
      extents = new long[] {0, size};
      if (flag == 'S') {
        size = numeric(483, 12);
        extents = oldSparseMap();
      } else if (pax.number("GNU.sparse.major", 0) > 0) {
        size = pax.number("GNU.sparse.realsize", size);
        extents = sparseMapInData();
      } else if (pax.sparseMap() != null) {
        size = pax.number("GNU.sparse.size", size);
        extents = pax.sparseMap();
      }
      checkExtents(extents, size);
    }
    FileTime mtime = pax.time("mtime", new FileTime(numeric(136, 12), 0));
    boolean device = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
    return new TarEntry(
        type,
        path,
        linkPath,
        (int) numeric(100, 8) & 07777,
        (int) pax.number("uid", numeric(108, 8)),
        (int) pax.number("gid", numeric(116, 8)),
        device
            ? FileStatus.encodeDevice(
                (int) pax.number("SCHILY.devmajor", numeric(329, 8)),
                (int) pax.number("SCHILY.devminor", numeric(337, 8)))
            : 0,
        size,
        mtime,
        pax.time("ctime", mtime),
        pax.time("LIBARCHIVE.creationtime", mtime),
        pax.isEmpty() ? Collections.emptySortedMap() : pax.xattrs(),
        extents);
  }

  private byte[] headerPath() {
    byte[] name = upToNul(header, 0, 100);
    boolean ustar = new String(header, 257, 6, ISO_8859_1).equals("ustar\0") && header[345] != 0;
    if (!ustar) {
      return name;
    }
    byte[] prefix = upToNul(header, 345, 155);
    byte[] path = Arrays.copyOf(prefix, prefix.length + 1 + name.length);
    path[prefix.length] = '/';
    System.arraycopy(name, 0, path, prefix.length + 1, name.length);
    return path;
  }

  /** The map in an old GNU header and the extension records after it. */
  private long[] oldSparseMap() throws ImportException {
    long[] extents = new long[2 * SPARSE_IN_HEADER];
    int count = sparseEntries(header, 386, SPARSE_IN_HEADER, extents, 0);
    boolean more = header[482] != 0;
    byte[] extension = new byte[TarInput.RECORD_BYTES];
    while (more) {
      if (count > 2 * EXTENTS_MAX) {
        throw input.broken("a sparse file has too many extents");
      }
      input.readFully(extension, 0, extension.length);
      if (count + 2 * SPARSE_IN_EXTENSION > extents.length) {
        extents = Arrays.copyOf(extents, 2 * extents.length + 2 * SPARSE_IN_EXTENSION);
      }
      count = sparseEntries(extension, 0, SPARSE_IN_EXTENSION, extents, count);
      more = extension[504] != 0;
    }
    return Arrays.copyOf(extents, count);
  }

  private int sparseEntries(byte[] record, int start, int most, long[] extents, int count)
      throws ImportException {
    int end = count;
    for (int i = 0; i < most; i++) {
      int at = start + i * SPARSE_BYTES;
      if (record[at + 12] == 0) {
        break;
      }
      extents[end++] = numeric(record, at, 12);
      extents[end++] = numeric(record, at + 12, 12);
    }
    return end;
  }

  /** The map of GNU sparse format 1.0: decimal lines before the data, filled up to a record. */
  private long[] sparseMapInData() throws ImportException {
    DecimalLines lines = new DecimalLines();
    long count = lines.next();
    if (count > EXTENTS_MAX) {
      throw input.broken("a sparse file has " + count + " extents");
    }
    long[] extents = new long[2 * (int) count];
    for (int i = 0; i < extents.length; i++) {
      extents[i] = lines.next();
    }
    return extents;
  }

  /** Reads whole records; what follows the last line in its record is padding. */
  private final class DecimalLines {
    private final byte[] record = new byte[TarInput.RECORD_BYTES];
    private int at = TarInput.RECORD_BYTES;

    long next() throws ImportException {
      long value = 0;
      int digits = 0;
      while (true) {
        if (at == TarInput.RECORD_BYTES) {
          readData(record, 0, TarInput.RECORD_BYTES);
          at = 0;
        }
        byte b = record[at++];
        if (b == '\n' && digits > 0) {
          return value;
        }
        if (b < '0' || b > '9' || ++digits > 18) {
          throw input.broken("a sparse file's map is malformed");
        }
        value = value * 10 + b - '0';
      }
    }
  }

  private void checkExtents(long[] extents, long size) throws ImportException {
    long end = 0;
    long stored = 0;
    if (size < 0 || extents.length % 2 != 0 || extents.length > 2 * EXTENTS_MAX) {
      throw input.broken("a sparse file's map is malformed");
    }
    for (int i = 0; i < extents.length; i += 2) {
      long offset = extents[i];
      long length = extents[i + 1];
      if (offset < end || length < 0 || offset > size || length > size - offset) {
        throw input.broken("a sparse file's map is out of order");
      }
      end = offset + length;
      stored += length;
    }
    if (stored > dataLeft) {
      throw input.broken("a sparse file's map is longer than its data");
    }
  }

  private boolean isZero() {
    for (byte b : header) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  /** The sum of the header's bytes, its own field as spaces; some writers summed signed bytes. */
  private void verifyChecksum() throws ImportException {
    long unsigned = 0;
    long signed = 0;
    for (int i = 0; i < header.length; i++) {
      int b = i >= 148 && i < 156 ? ' ' : header[i];
      unsigned += b & 0xff;
      signed += b;
    }
    long stored = numeric(148, 8);
    if (stored != unsigned && stored != signed) {
      throw input.broken("not a tar, or damaged: an entry's checksum does not fit");
    }
  }

  private long size() throws ImportException {
    long size = numeric(124, 12);
    if (size < 0) {
      throw input.broken("an entry has " + size + " bytes");
    }
    return size;
  }

  private long numeric(int offset, int length) throws ImportException {
    return numeric(header, offset, length);
  }

  /** Octal digits between spaces and NULs, or base-256 where the first byte's high bit is set. */
  private long numeric(byte[] record, int offset, int length) throws ImportException {
    if (record[offset] < 0) {
      // Two's complement without the mark bit; what does not fit a long is refused.
      long value = (byte) (record[offset] << 1) >> 1;
      for (int i = 1; i < length; i++) {
        if (value != (value << 8) >> 8) {
          throw input.broken("a number in a header is too large");
        }
        value = (value << 8) | (record[offset + i] & 0xff);
      }
      return value;
    }
    long value = 0;
    boolean digits = false;
    for (int i = offset; i < offset + length; i++) {
      byte b = record[i];
      if (b >= '0' && b <= '7') {
        value = (value << 3) | (b - '0');
        digits = true;
      } else if (b == 0 || (b == ' ' && digits)) {
        break;
      } else if (b != ' ') {
        throw input.broken("not a tar, or damaged: a number in a header is malformed");
      }
    }
    return value;
  }

  private static byte[] upToNul(byte[] bytes, int offset, int most) {
    int end = offset;
    while (end < bytes.length && end - offset < most && bytes[end] != 0) {
      end++;
    }
    return Arrays.copyOfRange(bytes, offset, end);
  }
}
