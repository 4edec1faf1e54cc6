/**
 * Logging: nothing for short-lived commands, a file of bounded size for daemons.
 *
 * <p>Main types: {@link io.mapfs.cli.log.LogFile} (says where), {@link
 * io.mapfs.cli.log.LogConfigurator} (sets Logback up; found by it as a service).
 */
package io.mapfs.cli.log;
