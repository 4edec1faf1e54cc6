package io.mapfs.core.tree;

/**
 * What a {@link TreeWriter} wrote.
 *
 * @param fileBytes length of the index file
 * @param rootHash SHA-256 that stands for the whole tree, 32 bytes
 * @param inodes number of inodes
 * @param entries number of names, the root's not counted
 * @param contentBytes sum of the regular files' sizes
 * @param nextIno the number that the next new inode of this master gets
 */
public record TreeSummary(
    long fileBytes, byte[] rootHash, int inodes, long entries, long contentBytes, long nextIno) {}
