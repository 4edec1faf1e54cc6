/**
 * The journal: an overlay's changes, as sealed records in one order.
 *
 * <p>Main types: {@link io.mapfs.core.journal.Change} (what a record holds), {@link
 * io.mapfs.core.journal.InodeState} (an overlay's own record of an inode), {@link
 * io.mapfs.core.journal.JournalRecord} (a sealed batch of changes with its place in the chain).
 *
 * <p>Changes state results, not operations ("this name now points at that inode"), and stand in
 * canonical order in a record. So a record can be applied twice without harm, what was born and
 * died inside an unsealed batch leaves no trace, and one batch is durable whole or not at all.
 *
 * <p>Invariants: sequence numbers rise by one; each record names its predecessor's hash; epochs
 * never fall along the sequence.
 */
package io.mapfs.core.journal;
