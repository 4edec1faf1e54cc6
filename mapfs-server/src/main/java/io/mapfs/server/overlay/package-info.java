/**
 * Overlays at the appliance: who may write one, the journal of what was written, and the rows that
 * it is folded into.
 *
 * <p>A record's way: {@link io.mapfs.server.overlay.JournalProtocol} accepts or refuses it (pure:
 * state and event in, state and effects out); {@link io.mapfs.server.overlay.JournalLog} makes it
 * durable, many records with one fdatasync; it is acknowledged; {@link
 * io.mapfs.server.overlay.Folder} later merges its pages into whole blocks and its changes into
 * {@link io.mapfs.server.overlay.OverlayRows}.
 *
 * <p>One node's {@link io.mapfs.server.overlay.Overlay} has, each with one job: {@link
 * io.mapfs.server.overlay.OverlayLease} (who may write), {@link
 * io.mapfs.server.overlay.OverlayJournal} (accepting and acknowledging), {@link
 * io.mapfs.server.overlay.OverlayHead} (folding, and the rows as others read them), {@link
 * io.mapfs.server.overlay.HeadChanges} (rollback, another version) and {@link
 * io.mapfs.server.overlay.HeadPages} (the head sent to a node). {@link
 * io.mapfs.server.overlay.Overlays} keeps all overlays, {@link io.mapfs.server.overlay.Tails} what
 * came too late to be accepted.
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
 * <p>Lock order: an overlay's fold lock, its lease's record lock, its journal's lock. Clients'
 * futures are completed under none of them. The fold lock is held for one slice of work at a time.
 */
package io.mapfs.server.overlay;
