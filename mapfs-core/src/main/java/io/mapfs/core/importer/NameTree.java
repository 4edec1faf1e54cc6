package io.mapfs.core.importer;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Posix;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The names and inodes that a source has, in the order in which they were found. Nodes are names,
 * inodes are files; both are dense indexes from 0, and index 0 is the root of either.
 *
 * <p>Compact, because a source may have millions: some 40 bytes a node. Belongs to one thread.
 */
final class NameTree {
  static final int ROOT = 0;

  /** Stands for "no such node" and, as a node's inode, for "not known yet" or "removed". */
  static final int NONE = -1;

  private static final int CHUNK_BYTES = 1 << 20;

  private int[] parents = new int[1024];
  private int[] nodeInodes = new int[1024];
  private long[] nameAt = new long[1024];
  private int nodeCount;

  private byte[] inodeTypes = new byte[1024];
  private int inodeCount;

  private final List<byte[]> chunks = new ArrayList<>();
  private int chunkUsed = CHUNK_BYTES;

  NameTree() {
    addNode(ROOT, null, newInode(FileType.DIRECTORY));
  }

  int newInode(FileType type) {
    if (inodeCount == inodeTypes.length) {
      inodeTypes = Arrays.copyOf(inodeTypes, inodeCount * 2);
    }
    inodeTypes[inodeCount] = (byte) type.code();
    return inodeCount++;
  }

  int addNode(int parent, Name name, int inode) {
    if (nodeCount == parents.length) {
      parents = Arrays.copyOf(parents, nodeCount * 2);
      nodeInodes = Arrays.copyOf(nodeInodes, nodeCount * 2);
      nameAt = Arrays.copyOf(nameAt, nodeCount * 2);
    }
    parents[nodeCount] = parent;
    nodeInodes[nodeCount] = inode;
    nameAt[nodeCount] = name == null ? NONE : store(name);
    return nodeCount++;
  }

  private long store(Name name) {
    int length = name.length();
    if (chunkUsed + 1 + length > CHUNK_BYTES) {
      chunks.add(new byte[CHUNK_BYTES]);
      chunkUsed = 0;
    }
    int chunk = chunks.size() - 1;
    ByteBuffer target = ByteBuffer.wrap(chunks.get(chunk)).position(chunkUsed);
    name.putInto(target.put((byte) length));
    long at = (long) chunk * CHUNK_BYTES + chunkUsed;
    chunkUsed += 1 + length;
    return at;
  }

  int nodeCount() {
    return nodeCount;
  }

  int inodeCount() {
    return inodeCount;
  }

  int parent(int node) {
    return parents[node];
  }

  int inode(int node) {
    return nodeInodes[node];
  }

  void setInode(int node, int inode) {
    nodeInodes[node] = inode;
  }

  FileType inodeType(int inode) {
    return FileType.ofCode(inodeTypes[inode]);
  }

  /** A node's name; the root has none. */
  Name name(int node) {
    byte[] chunk = chunk(node);
    int at = offset(node);
    return Name.take(ByteBuffer.wrap(chunk).position(at + 1), chunk[at] & 0xff);
  }

  boolean hasName(int node, Name name) {
    byte[] chunk = chunk(node);
    int at = offset(node);
    int length = chunk[at] & 0xff;
    if (length != name.length()) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (chunk[at + 1 + i] != name.byteAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Compares two nodes' names by unsigned bytes. */
  int compareNames(int a, int b) {
    byte[] chunkA = chunk(a);
    byte[] chunkB = chunk(b);
    int atA = offset(a);
    int atB = offset(b);
    return Arrays.compareUnsigned(
        chunkA,
        atA + 1,
        atA + 1 + (chunkA[atA] & 0xff),
        chunkB,
        atB + 1,
        atB + 1 + (chunkB[atB] & 0xff));
  }

  private byte[] chunk(int node) {
    return chunks.get((int) (nameAt[node] / CHUNK_BYTES));
  }

  private int offset(int node) {
    return (int) (nameAt[node] % CHUNK_BYTES);
  }

  /** The path from the root, without a slash at its beginning; empty for the root. */
  byte[] path(int node) {
    List<Name> names = new ArrayList<>();
    for (int at = node; at != ROOT; at = parents[at]) {
      names.add(name(at));
    }
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    for (int i = names.size() - 1; i >= 0; i--) {
      path.writeBytes(names.get(i).toBytes());
      if (i > 0) {
        path.write('/');
      }
    }
    return path.toByteArray();
  }

  /** The path for messages; a dot for the root. */
  String printablePath(int node) {
    return node == ROOT ? "." : Posix.printable(path(node));
  }

  /** The printable path of a child that has no node. */
  String printablePath(int parent, Name child) {
    String name = Posix.printable(child.toBytes());
    return parent == ROOT ? name : printablePath(parent) + "/" + name;
  }
}
