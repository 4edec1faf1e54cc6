/**
 * The local control socket of a running node daemon: how {@code mapfs umount}, {@code mapfs sync}
 * and {@code mapfs status} on the node itself talk to it, and how they find it.
 *
 * <p>Main types: {@link io.mapfs.node.control.ControlServer} in the daemon, {@link
 * io.mapfs.node.control.DaemonClient} in the command, {@link io.mapfs.node.control.RunDirectory}
 * for where sockets lie.
 *
 * <p>One line of JSON each way, one request a connection. The socket's permissions (0600, in a 0700
 * directory) are its access control.
 */
package io.mapfs.node.control;
