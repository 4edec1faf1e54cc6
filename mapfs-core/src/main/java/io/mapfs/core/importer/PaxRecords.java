package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.Name;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The records of PAX extended headers (POSIX.1-2001, pax): "length keyword=value\n". Values stay
 * bytes, because names need not be UTF-8 and xattrs hold anything; a keyword is one char per byte.
 */
final class PaxRecords {
  private static final String XATTR = "SCHILY.xattr.";
  private static final String LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";
  private static final Name ACL_ACCESS = Name.of("system.posix_acl_access");
  private static final Name ACL_DEFAULT = Name.of("system.posix_acl_default");

  private final TarInput input;
  private final SortedMap<String, byte[]> values = new TreeMap<>();

  /** Offsets and lengths in the order of GNU.sparse.offset and numbytes, which repeat (0.0). */
  private final List<Long> sparsePairs = new ArrayList<>();

  PaxRecords(TarInput input) {
    this.input = input;
  }

  /** Adds an extended header's records; later ones win, an empty value takes a record away. */
  void add(byte[] header) throws ImportException {
    int at = 0;
    while (at < header.length) {
      int space = at;
      int length = 0;
      while (space < header.length && header[space] >= '0' && header[space] <= '9') {
        length = length * 10 + header[space++] - '0';
        if (length > header.length - at) {
          throw input.broken("a PAX record is longer than its header");
        }
      }
      int end = at + length;
      int equals = space;
      while (equals < end && header[equals] != '=') {
        equals++;
      }
      if (space == at
          || space >= end
          || header[space] != ' '
          || equals >= end - 1
          || header[end - 1] != '\n') {
        throw input.broken("a PAX record is malformed");
      }
      String key = new String(header, space + 1, equals - space - 1, ISO_8859_1);
      put(key, Arrays.copyOfRange(header, equals + 1, end - 1));
      at = end;
    }
  }

  private void put(String key, byte[] value) throws ImportException {
    if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
      sparsePairs.add(number(key, value));
    } else if (value.length == 0 && !key.startsWith(XATTR)) {
      values.remove(key);
    } else {
      values.put(key, value);
    }
  }

  /** Adds all of another's records. */
  void addAll(PaxRecords other) {
    values.putAll(other.values);
  }

  boolean isEmpty() {
    return values.isEmpty() && sparsePairs.isEmpty();
  }

  byte[] bytes(String key) {
    return values.get(key);
  }

  String text(String key) {
    byte[] value = values.get(key);
    return value == null ? null : new String(value, UTF_8);
  }

  long number(String key, long absent) throws ImportException {
    byte[] value = values.get(key);
    return value == null ? absent : number(key, value);
  }

  private long number(String key, byte[] value) throws ImportException {
    try {
      return Long.parseLong(new String(value, ISO_8859_1));
    } catch (NumberFormatException e) {
      throw input.broken("PAX record " + key + " is no number");
    }
  }

  /** A decimal time with up to nanoseconds; digits beyond are cut. */
  FileTime time(String key, FileTime absent) throws ImportException {
    byte[] value = values.get(key);
    if (value == null) {
      return absent;
    }
    String text = new String(value, ISO_8859_1);
    boolean negative = text.startsWith("-");
    int dot = text.indexOf('.');
    try {
      String whole = text.substring(negative ? 1 : 0, dot < 0 ? text.length() : dot);
      long seconds = Long.parseLong(whole);
      String fraction = dot < 0 ? "" : text.substring(dot + 1);
      int nanos = Integer.parseInt((fraction + "000000000").substring(0, 9));
      if (!negative) {
        return new FileTime(seconds, nanos);
      }
      return nanos == 0
          ? new FileTime(-seconds, 0)
          : new FileTime(-seconds - 1, 1_000_000_000 - nanos);
    } catch (IllegalArgumentException e) {
      throw input.broken("PAX record " + key + " is no time");
    }
  }

  /**
   * Offset and length in turn, of GNU sparse formats 0.0 and 0.1; {@code null} if there is none.
   */
  long[] sparseMap() throws ImportException {
    String map = text("GNU.sparse.map");
    if (map != null) {
      String[] parts = map.isEmpty() ? new String[0] : map.split(",");
      long[] extents = new long[parts.length];
      for (int i = 0; i < parts.length; i++) {
        extents[i] = number("GNU.sparse.map", parts[i].getBytes(ISO_8859_1));
      }
      return extents;
    }
    return sparsePairs.isEmpty() ? null : sparsePairs.stream().mapToLong(Long::longValue).toArray();
  }

  /** The xattrs, ACLs included, whichever of the usual records they stand in. */
  SortedMap<Name, byte[]> xattrs() throws ImportException {
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    for (Map.Entry<String, byte[]> e : values.tailMap(LIBARCHIVE_XATTR).entrySet()) {
      if (!e.getKey().startsWith(LIBARCHIVE_XATTR)) {
        break;
      }
      try {
        byte[] name = percentDecoded(e.getKey().substring(LIBARCHIVE_XATTR.length()), false);
        xattrs.put(name(name), Base64.getDecoder().decode(unpadded(e.getValue())));
      } catch (IllegalArgumentException malformed) {
        throw input.broken("PAX record " + e.getKey() + " is malformed");
      }
    }
    for (Map.Entry<String, byte[]> e : values.tailMap(XATTR).entrySet()) {
      if (!e.getKey().startsWith(XATTR)) {
        break;
      }
      xattrs.put(name(percentDecoded(e.getKey().substring(XATTR.length()), true)), e.getValue());
    }
    byte[] selinux = values.get("RHT.security.selinux");
    if (selinux != null) {
      xattrs.putIfAbsent(Name.of("security.selinux"), selinux);
    }
    putAcl(xattrs, ACL_ACCESS, "SCHILY.acl.access");
    putAcl(xattrs, ACL_DEFAULT, "SCHILY.acl.default");
    return xattrs;
  }

  private void putAcl(SortedMap<Name, byte[]> xattrs, Name name, String key)
      throws ImportException {
    String text = text(key);
    if (text == null || xattrs.containsKey(name)) {
      return;
    }
    AclText acl;
    try {
      acl = AclText.parse(text);
    } catch (IllegalArgumentException e) {
      throw input.broken("PAX record " + key + ": " + e.getMessage());
    }
    // An access ACL that says no more than the mode is no xattr (posix_acl_equiv_mode).
    if (name.equals(ACL_DEFAULT) ? !acl.isEmpty() : acl.isExtended()) {
      xattrs.put(name, acl.encoded());
    }
  }

  private Name name(byte[] bytes) throws ImportException {
    if (bytes.length == 0 || bytes.length > Name.MAX_BYTES) {
      throw input.broken("an xattr's name has " + bytes.length + " bytes");
    }
    return Name.of(bytes);
  }

  private static byte[] unpadded(byte[] base64) {
    int end = base64.length;
    while (end > 0 && base64[end - 1] == '=') {
      end--;
    }
    return Arrays.copyOf(base64, end);
  }

  /**
   * Decodes %XX.
   *
   * @param gnu whether only %3D and %25 stand for something, as GNU tar writes them
   */
  private static byte[] percentDecoded(String text, boolean gnu) {
    byte[] bytes = text.getBytes(ISO_8859_1);
    byte[] decoded = new byte[bytes.length];
    int length = 0;
    for (int i = 0; i < bytes.length; i++) {
      int value = -1;
      if (bytes[i] == '%' && i + 2 < bytes.length) {
        int high = Character.digit(bytes[i + 1], 16);
        int low = Character.digit(bytes[i + 2], 16);
        value = high < 0 || low < 0 ? -1 : (high << 4) | low;
      }
      boolean encoded = gnu ? value == '=' || value == '%' : value >= 0;
      decoded[length++] = encoded ? (byte) value : bytes[i];
      i += encoded ? 2 : 0;
    }
    return Arrays.copyOf(decoded, length);
  }
}
