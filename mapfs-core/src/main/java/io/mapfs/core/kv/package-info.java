/**
 * The key-value port: ordered byte keys in named tables, atomic batches, consistent views. RocksDB
 * stands behind it in {@code io.mapfs.core.rocks}, the only package that sees RocksDB.
 */
package io.mapfs.core.kv;
