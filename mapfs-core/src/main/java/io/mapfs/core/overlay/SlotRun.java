package io.mapfs.core.overlay;

/** Consecutive slots of the page log. */
record SlotRun(long slot, int count) {}
