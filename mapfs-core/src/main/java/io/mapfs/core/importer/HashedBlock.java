package io.mapfs.core.importer;

import io.mapfs.core.block.BlockId;

/**
 * A block of a file that is not all zeros.
 *
 * @param index its place in the file
 * @param content its raw bytes; never changed
 */
record HashedBlock(int index, BlockId id, byte[] content) {}
