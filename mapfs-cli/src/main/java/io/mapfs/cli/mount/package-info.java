/**
 * Mounting: {@code mount} goes on in the background as the mount's daemon once that answers, {@code
 * sync} has it hand over its changes, {@code umount} has it hand them over and end.
 *
 * <p>Main types: {@link io.mapfs.cli.mount.MountCommand}, {@link io.mapfs.cli.mount.SyncCommand},
 * {@link io.mapfs.cli.mount.UmountCommand}, {@link io.mapfs.cli.mount.Background} (how a command
 * becomes a daemon), {@link io.mapfs.cli.mount.MountedNode} (what is mounted here).
 */
package io.mapfs.cli.mount;
