/**
 * Generated operations of several processes at once on a real mount. In lock-step, {@link
 * io.mapfs.it.generated.LockStepTest} has every process do each step on the mount and on an ext4
 * and compares results and errnos; running free, {@link io.mapfs.it.generated.FreeRunTest} looks at
 * what holds whatever the order was.
 */
package io.mapfs.it.generated;
