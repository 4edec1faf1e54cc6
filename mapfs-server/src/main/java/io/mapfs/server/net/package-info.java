/**
 * The block server: carries the appliance's service over the network.
 *
 * <p>Main types: {@link io.mapfs.server.net.BlockServer} (listens), {@link
 * io.mapfs.server.net.ServerConfig} (its bounds), {@code SessionHandler} (one connection, on its
 * event loop), {@code WorkQueue} (who is served next).
 *
 * <p>Network threads never run the service: they cut frames, check them and queue work. Requests
 * run on worker threads, by priority, and among sessions in turn; control requests, which may wait
 * for other sessions, run on threads of their own. Appends of one session run one after the other,
 * and so do the pieces of a tree that is uploaded.
 *
 * <p>Bounds: connections, in all and from one address; requests and request bytes in flight of one
 * connection (past them nothing is read from it); unsent bytes of one connection, and of all
 * together (past them gets wait); large payloads that are received at a time, all connections
 * together ({@code ReceiveTurns}), and what each may send ahead ({@code ReceiveWindow}); heap for
 * received payloads, all together; the time for a handshake, for the rest of a frame that was
 * begun, without a sign of life, and without progress in sending.
 *
 * <p>Invariants: the service hears {@code opened} before anything else of a session, and {@code
 * closed} once, after the last call for it has returned; no type of the network library leaves this
 * package.
 *
 * <p>Lock order: a {@code SerialTasks} or {@code UnsentBytes}, then the {@code WorkQueue}; the
 * service is never called under either.
 */
package io.mapfs.server.net;
