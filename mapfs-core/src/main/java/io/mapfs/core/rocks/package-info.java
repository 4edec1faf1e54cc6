/**
 * The key-value port on RocksDB; the only package that sees RocksDB.
 *
 * <p>Main type: {@link io.mapfs.core.rocks.RocksStore}, opened with {@link
 * io.mapfs.core.rocks.RocksOptions}.
 *
 * <p>Invariants: native handles are closed in the reverse order of their opening, in {@code
 * RocksHandles} alone; no native call runs on a closed handle, because each call holds the store's
 * gate for reading and closing holds it for writing.
 *
 * <p>Lock order: the store's gate, then the set of open cursors.
 */
package io.mapfs.core.rocks;
