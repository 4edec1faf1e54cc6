package io.mapfs.cli.base;

/** How results are printed; the names are what the user types. */
public enum OutputFormat {
  /** For people; may change. */
  table,
  /** For scripts; members as in docs/protocol.md, only ever added to. */
  json
}
