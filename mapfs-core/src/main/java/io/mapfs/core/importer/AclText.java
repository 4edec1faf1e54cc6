package io.mapfs.core.importer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A POSIX ACL in its text form (acl(5), acl_from_text(3)), as tars carry it. Users and groups are
 * given by number, by name and number (star's fourth field), or by a name that this machine knows.
 */
final class AclText {
  // Tags of linux/posix_acl.h.
  private static final int USER_OBJ = 0x01;
  private static final int USER = 0x02;
  private static final int GROUP_OBJ = 0x04;
  private static final int GROUP = 0x08;
  private static final int MASK = 0x10;
  private static final int OTHER = 0x20;

  private static final int XATTR_VERSION = 2;
  private static final int UNDEFINED_ID = -1;
  private static final int ENTRIES_MAX = 8000;

  private record Entry(int tag, int permissions, int id) {}

  private final List<Entry> entries = new ArrayList<>();

  private AclText() {}

  /**
   * Parses the entries, which end in newline or comma.
   *
   * @throws IllegalArgumentException with a message that says what is wrong
   */
  static AclText parse(String text) {
    AclText acl = new AclText();
    for (String line : text.split("[,\n]")) {
      int comment = line.indexOf('#');
      String entry = (comment < 0 ? line : line.substring(0, comment)).strip();
      if (!entry.isEmpty()) {
        acl.add(entry);
      }
    }
    // The order that the kernel asks for (posix_acl_valid).
    acl.entries.sort(
        Comparator.comparingInt(Entry::tag)
            .thenComparing((a, b) -> Integer.compareUnsigned(a.id(), b.id())));
    return acl;
  }

  private void add(String entry) {
    String[] fields = entry.split(":", -1);
    if (fields.length < 3 || entries.size() == ENTRIES_MAX) {
      throw new IllegalArgumentException("\"" + entry + "\" is no ACL entry");
    }
    String qualifier = fields[1].strip();
    int permissions = permissions(fields[2].strip());
    boolean named = !qualifier.isEmpty();
    int tag =
        switch (fields[0].strip()) {
          case "user", "u" -> named ? USER : USER_OBJ;
          case "group", "g" -> named ? GROUP : GROUP_OBJ;
          case "mask", "m" -> MASK;
          case "other", "o" -> OTHER;
          default -> throw new IllegalArgumentException("\"" + entry + "\" is no ACL entry");
        };
    int id = UNDEFINED_ID;
    if (tag == USER || tag == GROUP) {
      String number = fields.length > 3 ? fields[3].strip() : qualifier;
      id = id(number.isEmpty() ? qualifier : number, tag == USER ? "/etc/passwd" : "/etc/group");
    }
    entries.add(new Entry(tag, permissions, id));
  }

  private static int permissions(String text) {
    int bits = 0;
    for (int i = 0; i < text.length(); i++) {
      bits |=
          switch (text.charAt(i)) {
            case 'r' -> 4;
            case 'w' -> 2;
            case 'x' -> 1;
            case '-' -> 0;
            default -> throw new IllegalArgumentException("\"" + text + "\" are no permissions");
          };
    }
    return bits;
  }

  private static int id(String qualifier, String database) {
    if (qualifier.chars().allMatch(Character::isDigit)) {
      return Integer.parseUnsignedInt(qualifier);
    }
    try {
      for (String line : Files.readAllLines(Path.of(database))) {
        String[] fields = line.split(":");
        if (fields.length > 2 && fields[0].equals(qualifier)) {
          return Integer.parseUnsignedInt(fields[2]);
        }
      }
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read " + database, e);
    }
    throw new IllegalArgumentException(
        "\"" + qualifier + "\" is not in " + database + "; make the tar with numeric ACLs");
  }

  boolean isEmpty() {
    return entries.isEmpty();
  }

  /** Whether it says more than a mode can. */
  boolean isExtended() {
    return entries.stream().anyMatch(e -> e.tag() == USER || e.tag() == GROUP || e.tag() == MASK);
  }

  /** The value of the xattr system.posix_acl_*: version, then tag, permissions, id; all LE. */
  byte[] encoded() {
    ByteBuffer value = ByteBuffer.allocate(4 + 8 * entries.size()).order(ByteOrder.LITTLE_ENDIAN);
    value.putInt(XATTR_VERSION);
    for (Entry entry : entries) {
      value.putShort((short) entry.tag()).putShort((short) entry.permissions()).putInt(entry.id());
    }
    return value.array();
  }
}
