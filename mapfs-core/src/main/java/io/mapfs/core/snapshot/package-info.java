/**
 * Delta manifests: what a snapshot differs in from its base version, as text that a person can read
 * and compare with any tool.
 *
 * <p>Main types: {@link io.mapfs.core.snapshot.ManifestHeader}, {@link
 * io.mapfs.core.snapshot.ManifestWriter}, {@link io.mapfs.core.snapshot.ManifestReader}, {@link
 * io.mapfs.core.snapshot.PathText} (bytes of names as text). Byte by byte in docs/format.md, "Delta
 * manifest".
 *
 * <p>Invariants: the size follows what differs; each line can be understood by itself; a reader
 * gives out no entry before it has seen that the whole is what was signed.
 */
package io.mapfs.core.snapshot;
