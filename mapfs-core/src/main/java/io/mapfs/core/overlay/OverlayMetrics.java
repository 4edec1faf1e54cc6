package io.mapfs.core.overlay;

/**
 * Figures of a running overlay at one moment.
 *
 * @param openChanges changes in the batch that is still open, at most
 * @param openPageBytes bytes of pages written in it
 * @param sealedSequence last sealed record
 * @param acknowledgedSequence last record that is durable at the appliance
 * @param unacknowledgedBytes page bytes sealed or being sealed and not yet acknowledged
 * @param ownBytes bytes of own content, counted in whole pages
 * @param pageLogBytes size of the page log on disk
 * @param cachedInodes own inodes in the heap
 * @param lookedUpInodes inodes that the kernel holds
 * @param failure what the pipeline to the appliance is failing with; {@code null} if it is not
 */
public record OverlayMetrics(
    int openChanges,
    long openPageBytes,
    long sealedSequence,
    long acknowledgedSequence,
    long unacknowledgedBytes,
    long ownBytes,
    long pageLogBytes,
    int cachedInodes,
    int lookedUpInodes,
    String failure) {}
