/**
 * Tests of MapFS as a whole: the rules of ARCHITECTURE.md, and the packaged {@code mapfs} command
 * driven as a user drives it, with a store, a port and directories of the test's own.
 *
 * <p>Tests that mount need root and /dev/fuse: elsewhere they are skipped, but in CI (CI=true) they
 * fail.
 */
package io.mapfs.it;
