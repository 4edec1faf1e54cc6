/**
 * Mounting: {@code mount} starts a daemon in the background and waits until the mount answers,
 * {@code sync} has it hand over its changes, {@code umount} has it hand them over and end.
 *
 * <p>Main types: {@link io.mapfs.cli.mount.MountCommand}, {@link io.mapfs.cli.mount.SyncCommand},
 * {@link io.mapfs.cli.mount.UmountCommand}, {@link io.mapfs.cli.mount.NodeDaemonCommand} (what runs
 * in the background), {@link io.mapfs.cli.mount.MountedNode} (what is mounted here), {@link
 * io.mapfs.cli.mount.DaemonProcess} (started before the command line is read).
 */
package io.mapfs.cli.mount;
