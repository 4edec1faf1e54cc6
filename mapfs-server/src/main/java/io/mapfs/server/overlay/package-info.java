/**
 * Overlays at the appliance: who may write one, the journal of what was written, and the rows that
 * it is folded into.
 *
 * <p>A record's way: {@link io.mapfs.server.overlay.JournalProtocol} accepts or refuses it (pure:
 * state and event in, state and effects out); {@link io.mapfs.server.overlay.JournalLog} makes it
 * durable, many records with one fdatasync; it is acknowledged; {@link
 * io.mapfs.server.overlay.Folder} later merges its pages into whole blocks and its changes into
 * {@link io.mapfs.server.overlay.OverlayRows}. {@link io.mapfs.server.overlay.Overlay} runs these
 * for one node, {@link io.mapfs.server.overlay.Overlays} keeps all of them.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>Each sequence has one record ever acknowledged; epochs never fall along it.
 *   <li>A record is acknowledged when it, its pages and the blocks that it names are durable.
 *   <li>A fold's rows and the sequence that it reached are written in one batch, after the blocks
 *       that they name are durable: folding again after a crash changes nothing.
 *   <li>A version of a row stays while a snapshot or a pin can see it; the newest always stays.
 *   <li>A journal segment stays until what it holds is folded durably.
 * </ul>
 *
 * <p>Lock order: an overlay's fold lock, then its journal lock. Clients' futures are completed
 * under neither.
 */
package io.mapfs.server.overlay;
