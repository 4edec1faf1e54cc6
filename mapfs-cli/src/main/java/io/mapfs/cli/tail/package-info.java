/** Commands on late tails: list, show, export, drop. */
package io.mapfs.cli.tail;
