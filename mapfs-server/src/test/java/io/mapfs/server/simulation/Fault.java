package io.mapfs.server.simulation;

/** A bug that is planted, to show that the checker finds it. */
enum Fault {
  /** The appliance says that records are durable before its disk has synced them. */
  SKIPPED_FSYNC,
  /** The appliance accepts records of older epochs. */
  NO_EPOCH_CHECK,
  /** The appliance's sweep removes a block that the head names. */
  LOST_BLOCK,
  /**
   * The appliance removes journal records before the rows that they were folded into are synced.
   */
  EARLY_TIDYING,
  /** The appliance finds records after a kill and takes them for durable without a sync. */
  UNSYNCED_RECOVERY,
  /** A node that starts numbers on from its local copy, wherever the appliance stands. */
  REUSED_SEQUENCE,
  /** A node lets an fsync return when its records are sent. */
  EARLY_ACKNOWLEDGEMENT,
  /** A node takes a gap, which passes, for the end of its lease. */
  GAP_ENDS_LEASE,
  /** A node writes more than it was granted. */
  IGNORED_GRANT,
  /** So does it, and the appliance takes what comes. */
  UNBOUND_GRANT
}
