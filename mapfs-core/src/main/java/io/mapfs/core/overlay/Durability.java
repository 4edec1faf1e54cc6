package io.mapfs.core.overlay;

/** What an fsync waits for. */
public enum Durability {
  /** The change and everything before it is durable at the appliance. */
  STRICT,
  /** It is on the node's own disk; the appliance follows within seconds. */
  LOCAL
}
