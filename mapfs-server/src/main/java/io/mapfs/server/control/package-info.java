/**
 * What the appliance answers: its clients' requests and the control methods (docs/protocol.md).
 *
 * <p>Main types: {@link io.mapfs.server.control.Appliance}, the service behind the network server;
 * one class for each family of control methods.
 *
 * <p>Here it is decided who may ask for what: an administrator's connection for everything, a
 * node's for its own overlay, its master's versions, and blocks that these name.
 */
package io.mapfs.server.control;
