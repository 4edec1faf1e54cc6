/**
 * The scorecard: what overlay and FUSE filesystems are known to do unlike a local disk, each as one
 * case that runs identically on a plain ext4 directory, kernel overlayfs, fuse-overlayfs and MapFS.
 * The plain directory shows that a case is true of a local disk; it and MapFS must hold every one.
 * What the others do is only told, as the table that stands in docs/semantics.md.
 */
package io.mapfs.it.scorecard;
