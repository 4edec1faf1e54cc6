package io.mapfs.core.fs;

/** The answer to create and tmpfile: the new inode and a handle on it. */
public record Opened(Attributes attributes, long handle) {}
