/**
 * The {@code mapfs} command. Thin: it reads arguments, asks the appliance or a daemon, prints.
 *
 * <p>Main types: {@link io.mapfs.cli.Mapfs} (entry), {@link io.mapfs.cli.Defaults} (flag, then
 * environment, then configuration file), {@link io.mapfs.cli.Configuration} (the file). Each group
 * of commands has a package of its own; they share {@code cli.base} and do not know each other.
 *
 * <p>Invariants: standard output carries results and nothing else; an error is one line on standard
 * error and an exit code of docs/cli.md; nothing is logged by a short-lived command.
 */
package io.mapfs.cli;
