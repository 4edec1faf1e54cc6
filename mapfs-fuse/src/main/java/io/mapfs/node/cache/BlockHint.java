package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;

/**
 * A block that will probably be read soon.
 *
 * @param rawBytes length of its content, or an upper bound of it
 */
public record BlockHint(BlockId id, int rawBytes) {}
