/**
 * Commands on nodes: add, list, show, update, remove, move, fence, and the status of all of them.
 */
package io.mapfs.cli.node;
