package io.mapfs.core.fs;

/**
 * What statfs(2) reports.
 *
 * @param blockBytes unit of the three block counts
 * @param blocks size of the filesystem
 * @param freeBlocks unused
 * @param availableBlocks unused and available to ordinary users
 * @param inodes inodes in all
 * @param freeInodes inodes that can still be made
 */
public record FileSystemStatistics(
    int blockBytes,
    long blocks,
    long freeBlocks,
    long availableBlocks,
    long inodes,
    long freeInodes) {}
