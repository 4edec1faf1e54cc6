/**
 * The repository tree: one immutable, sorted index file per version of a master.
 *
 * <p>Main types: {@link io.mapfs.core.tree.RepositoryTree} (what a reader sees).
 *
 * <p>Invariants: a version's tree never changes; an inode number names the same file in every
 * version of its master that has it.
 */
package io.mapfs.core.tree;
