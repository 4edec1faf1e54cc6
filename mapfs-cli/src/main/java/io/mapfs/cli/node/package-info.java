/**
 * Commands on nodes: add, list, show, update, remove, move, fence, join, revoke, and the status of
 * all of them.
 */
package io.mapfs.cli.node;
