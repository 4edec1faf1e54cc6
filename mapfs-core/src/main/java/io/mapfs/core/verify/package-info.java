/**
 * Proof that two directory trees are the same, entry by entry.
 *
 * <p>Main types: {@link io.mapfs.core.verify.TreeFingerprint} (one line of text for each entry of a
 * real tree), {@link io.mapfs.core.verify.FingerprintComparison} (what differs between two).
 *
 * <p>Left out on purpose: access times (reading changes them), change times and birth times (nobody
 * can set them), inode and device numbers (another host has others).
 */
package io.mapfs.core.verify;
