package io.mapfs.core.tree;

import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The encoding of an xattr set in a tree index. */
final class XattrSets {
  private static final int LENGTH_BYTES = 4;

  private XattrSets() {}

  /** The set with its length before it, padded to the alignment of sets. */
  static byte[] encode(SortedMap<Name, byte[]> xattrs) {
    long bytes = LENGTH_BYTES + 2;
    for (Map.Entry<Name, byte[]> xattr : xattrs.entrySet()) {
      bytes += 1 + xattr.getKey().length() + 4 + xattr.getValue().length;
    }
    int alignment = TreeFormat.XATTR_SET_ALIGNMENT;
    long padded = (bytes + alignment - 1) / alignment * alignment;
    ByteBuffer target = ByteBuffer.allocate(Math.toIntExact(padded));
    target.putInt((int) bytes - LENGTH_BYTES).putShort((short) xattrs.size());
    xattrs.forEach(
        (name, value) -> {
          target.put((byte) name.length());
          name.putInto(target);
          target.putInt(value.length).put(value);
        });
    return target.array();
  }

  /** Decodes what follows the length. */
  static SortedMap<Name, byte[]> decode(byte[] encoded) {
    ByteBuffer source = ByteBuffer.wrap(encoded);
    int count = source.getShort() & 0xffff;
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      Name name = Name.take(source, source.get() & 0xff);
      int valueBytes = source.getInt();
      if (valueBytes < 0 || valueBytes > source.remaining()) {
        throw new IllegalArgumentException("xattr value of " + valueBytes + " bytes");
      }
      byte[] value = new byte[valueBytes];
      source.get(value);
      xattrs.put(name, value);
    }
    return Collections.unmodifiableSortedMap(xattrs);
  }
}
