/** Commands on snapshots: create, list, show, diff, delete, and rollback. */
package io.mapfs.cli.snapshot;
