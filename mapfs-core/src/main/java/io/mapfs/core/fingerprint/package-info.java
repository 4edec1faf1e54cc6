/**
 * Fingerprints of trees: a text with one line for each name, which says all that a program can see
 * of the file. Two trees are the same if and only if their fingerprints are.
 *
 * <p>Main types: {@link io.mapfs.core.fingerprint.TreeFingerprint} (writes one), {@link
 * io.mapfs.core.fingerprint.FingerprintLine} (one name), {@link
 * io.mapfs.core.fingerprint.FingerprintDifference} (compares two, however large).
 *
 * <p>Left out on purpose: access and change times (reading changes the one, nobody can set the
 * other), space taken, sizes of directories, and inode numbers unless asked for.
 */
package io.mapfs.core.fingerprint;
