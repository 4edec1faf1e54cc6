package io.mapfs.core.importer;

/**
 * What an import found and stored.
 *
 * @param entries names, the root's not counted
 * @param inodes files, each counted once however many names it has; the root included
 * @param contentBytes sum of the regular files' sizes
 * @param newBlocks blocks that the target did not have
 * @param newRawBytes their length before compression
 * @param newStoredBytes their length as stored
 * @param nextIno the first inode number that is still unused
 */
public record ImportStatistics(
    long entries,
    long inodes,
    long contentBytes,
    long newBlocks,
    long newRawBytes,
    long newStoredBytes,
    long nextIno) {}
