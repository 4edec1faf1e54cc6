package io.mapfs.core.snapshot;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One entry as a line and back.
 *
 * <pre>
 *   inode INO TYPE "PATH" nlink=+N atime=T ctime=T [mode=OCTAL uid=N gid=N rdev=N btime=T]
 *         [size=N mtime=T base=VERSION:LIMIT] [xattrs=own] [parent=INO] [target="BYTES"]
 *   xattrs INO "PATH" "NAME"=BASE64 ...
 *   block INO INDEX "PATH" ID|zeros
 *   name PARENT "NAME" INO TYPE COOKIE "PATH"
 *   whiteout PARENT "NAME" "PATH"
 * </pre>
 *
 * {@code mode …} stands where attributes are own, {@code size …} where data is. A path that no name
 * leads to is {@code "?"}; paths are for people, a reader checks only that they are texts.
 */
final class ManifestLine {
  private static final Base64.Encoder BASE64 = Base64.getEncoder();

  private final String line;
  private int at;

  private ManifestLine(String line) {
    this.line = line;
  }

  // ---- to text ----

  static String format(Change change, String path) {
    StringBuilder text = new StringBuilder(160);
    if (change instanceof Change.PutInode put) {
      inode(text, put, path);
    } else if (change instanceof Change.PutXattrs put) {
      text.append("xattrs ").append(put.ino()).append(' ').append(quoted(path));
      put.xattrs()
          .forEach(
              (name, value) ->
                  text.append(' ')
                      .append(quoted(PathText.escape(name.toBytes())))
                      .append('=')
                      .append(BASE64.encodeToString(value)));
    } else if (change instanceof Change.PutBlock put) {
      text.append("block ").append(put.ino()).append(' ').append(put.blockIndex());
      text.append(' ').append(quoted(path)).append(' ');
      text.append(put.id() == null ? "zeros" : put.id().toString());
    } else if (change instanceof Change.PutDentry put) {
      text.append("name ").append(put.parentIno()).append(' ');
      text.append(quoted(PathText.escape(put.name().toBytes())));
      text.append(' ').append(put.ino()).append(' ').append(type(put.type()));
      text.append(' ').append(put.cookie()).append(' ').append(quoted(path));
    } else if (change instanceof Change.PutWhiteout put) {
      text.append("whiteout ").append(put.parentIno()).append(' ');
      text.append(quoted(PathText.escape(put.name().toBytes())));
      text.append(' ').append(quoted(path));
    } else {
      throw new IllegalArgumentException("a manifest has no line for " + change);
    }
    return text.toString();
  }

  private static void inode(StringBuilder text, Change.PutInode put, String path) {
    InodeState state = put.state();
    text.append("inode ").append(put.ino()).append(' ').append(type(state.type()));
    text.append(' ').append(quoted(path));
    text.append(String.format(Locale.ROOT, " nlink=%+d", state.nlinkDelta()));
    text.append(" atime=").append(time(state.atime()));
    text.append(" ctime=").append(time(state.ctime()));
    if (state.ownAttributes()) {
      text.append(String.format(Locale.ROOT, " mode=%04o", state.permissions()));
      text.append(" uid=").append(Integer.toUnsignedString(state.uid()));
      text.append(" gid=").append(Integer.toUnsignedString(state.gid()));
      text.append(" rdev=").append(Integer.toUnsignedString(state.rdev()));
      text.append(" btime=").append(time(state.btime()));
    }
    if (state.ownData()) {
      text.append(" size=").append(state.sizeBytes());
      text.append(" mtime=").append(time(state.mtime()));
      text.append(" base=").append(state.baseVersion()).append(':').append(state.baseLimitBytes());
    }
    if (state.ownXattrs()) {
      text.append(" xattrs=own");
    }
    if (state.parentIno() != 0) {
      text.append(" parent=").append(state.parentIno());
    }
    if (state.symlinkTarget() != null) {
      text.append(" target=").append(quoted(PathText.escape(state.symlinkTarget())));
    }
  }

  private static String quoted(String escaped) {
    return '"' + escaped + '"';
  }

  private static String type(FileType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  private static String time(FileTime time) {
    return String.format(Locale.ROOT, "%d.%09d", time.seconds(), time.nanos());
  }

  // ---- from text ----

  /** The entry. Throws IllegalArgumentException if the line is none. */
  static Change parse(String line) {
    return new ManifestLine(line).parse();
  }

  private Change parse() {
    String kind = word();
    Change change =
        switch (kind) {
          case "inode" -> inode();
          case "xattrs" -> xattrs();
          case "block" -> {
            long ino = number();
            long index = number();
            text();
            String id = word();
            yield new Change.PutBlock(
                ino, index, id.equals("zeros") ? null : BlockId.of(HexFormat.of().parseHex(id)));
          }
          case "name" -> {
            long parent = number();
            Name name = Name.of(text());
            long ino = number();
            FileType type = type(word());
            long cookie = number();
            text();
            yield new Change.PutDentry(parent, name, ino, type, cookie);
          }
          case "whiteout" -> {
            long parent = number();
            Name name = Name.of(text());
            text();
            yield new Change.PutWhiteout(parent, name);
          }
          default -> throw new IllegalArgumentException("unknown entry '" + kind + "'");
        };
    if (at < line.length()) {
      throw new IllegalArgumentException("more than an entry");
    }
    return change;
  }

  private Change inode() {
    long ino = number();
    FileType type = type(word());
    text();
    Map<String, String> values = new HashMap<>();
    while (at < line.length()) {
      int equals = line.indexOf('=', at);
      if (equals < 0) {
        throw new IllegalArgumentException("a member has no value");
      }
      String name = line.substring(at, equals);
      at = equals + 1;
      String value = line.startsWith("\"", at) ? quotedText() : word();
      if (values.put(name, value) != null) {
        throw new IllegalArgumentException("'" + name + "' stands twice");
      }
    }
    boolean attributes = values.containsKey("mode");
    boolean data = values.containsKey("size");
    String[] base = values.getOrDefault("base", "0:0").split(":", -1);
    String target = values.get("target");
    return new Change.PutInode(
        ino,
        new InodeState(
            type,
            attributes,
            data,
            "own".equals(values.get("xattrs")),
            attributes ? Integer.parseInt(values.get("mode"), 8) : 0,
            attributes ? Integer.parseUnsignedInt(values.get("uid")) : 0,
            attributes ? Integer.parseUnsignedInt(values.get("gid")) : 0,
            Integer.parseInt(values.get("nlink")),
            attributes ? Integer.parseUnsignedInt(values.get("rdev")) : 0,
            data ? Long.parseLong(values.get("size")) : 0,
            time(values.get("atime")),
            data ? time(values.get("mtime")) : FileTime.EPOCH,
            time(values.get("ctime")),
            attributes ? time(values.get("btime")) : FileTime.EPOCH,
            target == null ? null : PathText.unescape(target),
            Integer.parseInt(base[0]),
            Long.parseLong(base[1]),
            Long.parseLong(values.getOrDefault("parent", "0"))));
  }

  private Change xattrs() {
    long ino = number();
    text();
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    while (at < line.length()) {
      Name name = Name.of(PathText.unescape(rawText()));
      if (!line.startsWith("=", at)) {
        throw new IllegalArgumentException("an xattr has no value");
      }
      at++;
      xattrs.put(name, Base64.getDecoder().decode(word()));
    }
    return new Change.PutXattrs(ino, xattrs);
  }

  /** The characters up to the next space, which is skipped. */
  private String word() {
    int end = line.indexOf(' ', at);
    String word = line.substring(at, end < 0 ? line.length() : end);
    at = end < 0 ? line.length() : end + 1;
    return word;
  }

  private long number() {
    return Long.parseLong(word());
  }

  /** What stands in double quotes, still escaped; stops behind them. */
  private String rawText() {
    int end = line.indexOf('"', at + 1);
    if (!line.startsWith("\"", at) || end < 0) {
      throw new IllegalArgumentException("a text has no quotes");
    }
    String text = line.substring(at + 1, end);
    at = end + 1;
    return text;
  }

  private String quotedText() {
    String text = rawText();
    if (line.startsWith(" ", at)) {
      at++;
    }
    return text;
  }

  private byte[] text() {
    return PathText.unescape(quotedText());
  }

  private static FileType type(String word) {
    return FileType.valueOf(word.toUpperCase(Locale.ROOT));
  }

  private static FileTime time(String text) {
    int dot = text.indexOf('.');
    if (dot < 1 || text.length() != dot + 10) {
      throw new IllegalArgumentException("'" + text + "' is no time");
    }
    return new FileTime(
        Long.parseLong(text.substring(0, dot)), Integer.parseInt(text.substring(dot + 1)));
  }
}
