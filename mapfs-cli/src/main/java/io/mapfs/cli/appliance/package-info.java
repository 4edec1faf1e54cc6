/** Commands on the appliance itself: init, serve, status. */
package io.mapfs.cli.appliance;
