/**
 * The repository tree: one immutable, sorted index file per version of a master.
 *
 * <p>Main types: {@link io.mapfs.core.tree.RepositoryTree} (what a reader sees), {@link
 * io.mapfs.core.tree.TreeIndex} (the mapped file behind it), {@link io.mapfs.core.tree.TreeWriter}
 * (makes the file from {@link io.mapfs.core.tree.TreeNode}s and names). The layout stands in {@code
 * TreeFormat} and, byte by byte, in {@code docs/format.md}.
 *
 * <p>Invariants: a version's tree never changes; an inode number names the same file in every
 * version of its master that has it; equal input gives equal bytes, in whatever order it was added;
 * no byte of the file is believed before its page's hash was compared with the list that the root
 * hash covers.
 *
 * <p>There are no locks: the file is immutable, and a page that two threads verify at once is
 * merely verified twice.
 */
package io.mapfs.core.tree;
