package io.mapfs.core.tree;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.util.SortedMap;

/**
 * One version's tree, read-only. Inodes are reached by slot, a dense index that is meaningful in
 * this version alone; hard-linked names share a slot. Never blocks on the network; safe for
 * concurrent use.
 */
public interface RepositoryTree {
  /** Stands for "no such inode". */
  int NONE = -1;

  /** The master's name and this version's number. */
  String master();

  int version();

  /** Number of inodes. */
  int inodeCount();

  /** Number of names, the root's not counted. */
  long entryCount();

  /** Sum of the regular files' sizes in bytes. */
  long contentBytes();

  /** The slot of an inode number, or {@link #NONE}. */
  int slotOf(long ino);

  /** The slot of a directory's child, or {@link #NONE}. */
  int lookup(int directorySlot, Name name);

  long ino(int slot);

  FileType type(int slot);

  /** Attributes with node id at generation 0; {@code nlink} as in this version. */
  Attributes attributes(int slot);

  /** Inode number of the parent directory; of the first name's, where a file has several. */
  long parentIno(int slot);

  /** The name under {@link #parentIno}; {@code null} for the root. */
  Name name(int slot);

  int childCount(int directorySlot);

  /** The children in the order of their names' unsigned bytes; {@code index} from 0. */
  Name childName(int directorySlot, int index);

  int childSlot(int directorySlot, int index);

  /** The index of the first child whose name is not less than {@code name}. */
  int childIndex(int directorySlot, Name name);

  byte[] symlinkTarget(int slot);

  boolean hasXattrs(int slot);

  /** One value, or {@code null}. */
  byte[] xattr(int slot, Name name);

  /** All of them, POSIX ACLs and capabilities included. */
  SortedMap<Name, byte[]> xattrs(int slot);

  /** Number of blocks of a regular file: its size divided by the block size, rounded up. */
  int blockCount(int slot);

  /** The id of a block; {@code null} for a hole. */
  BlockId block(int slot, int blockIndex);
}
