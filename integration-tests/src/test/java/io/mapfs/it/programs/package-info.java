/**
 * Programs that people use, unchanged and without a workaround, on a mount: those that are quick in
 * every run of the tests, the others with {@code -Dmapfs.programs=all} (scripts/programs).
 */
package io.mapfs.it.programs;
