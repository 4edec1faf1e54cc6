/**
 * The appliance's client, for the node daemon and the command alike.
 *
 * <p>Main types: {@link io.mapfs.client.ApplianceClient} (one connection), {@link
 * io.mapfs.client.ReconnectingClient} (one that is made anew when it breaks).
 *
 * <p>Invariants: every request ends, by its answer, its deadline, or the end of its connection; no
 * type of the network library leaves this package; no lock is held while a listener or a future's
 * dependents run.
 */
package io.mapfs.client;
