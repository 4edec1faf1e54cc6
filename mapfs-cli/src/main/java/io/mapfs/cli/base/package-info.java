/**
 * What all commands share: how they fail, print, and reach the appliance.
 *
 * <p>Main types: {@link io.mapfs.cli.base.CommandFailure} (one line and an exit code), {@link
 * io.mapfs.cli.base.ApplianceCommand} (a command that asks the appliance), {@link
 * io.mapfs.cli.base.OutputOptions} (table or JSON).
 */
package io.mapfs.cli.base;
