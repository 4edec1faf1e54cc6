/**
 * Mounting: {@code mount} starts a daemon in the background and waits until the mount answers,
 * {@code umount} has it hand over its changes and end.
 *
 * <p>Main types: {@link io.mapfs.cli.mount.MountCommand}, {@link io.mapfs.cli.mount.UmountCommand},
 * {@link io.mapfs.cli.mount.NodeDaemonCommand} (what runs in the background), {@link
 * io.mapfs.cli.mount.MountTable} (/proc/self/mountinfo).
 */
package io.mapfs.cli.mount;
