/**
 * The appliance's client, for the node daemon and the command alike.
 *
 * <p>Main types: {@link io.mapfs.client.ApplianceClient} (one connection), {@link
 * io.mapfs.client.ReconnectingClient} (one that is made anew when it breaks), {@link
 * io.mapfs.client.TreeFiles} (a directory of downloaded tree index files), {@link
 * io.mapfs.client.RemoteImportTarget} (an import over a connection).
 *
 * <p>Invariants: every request ends, by its answer, its deadline, or the end of its connection; no
 * lock is held while a listener or a future's dependents run.
 *
 * <p>Plain blocking sockets, on purpose: one connection needs no event loop, and a command that
 * loads one starts several times slower (docs/adr, "The client has no Netty").
 */
package io.mapfs.client;
