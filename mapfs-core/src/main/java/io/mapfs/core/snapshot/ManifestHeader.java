package io.mapfs.core.snapshot;

/**
 * A delta manifest's first line, a JSON object with these members.
 *
 * @param mapfs says what this is: {@link #KIND}
 * @param format version of the format
 * @param cluster id of the appliance that signs
 * @param node whose overlay
 * @param snapshot the snapshot's id
 * @param name its name; absent if it has none
 * @param comment for people; absent if there is none
 * @param createdMillis when it was taken
 * @param master what the overlay stands on
 * @param version the version that the entries differ from
 * @param epoch the lease's number at that time
 * @param sequence the snapshot's place in the journal
 * @param journalHash hash of the record at that place, which names all before it
 * @param previous id of the snapshot before it; absent for the first
 * @param ownBytes content bytes that are the overlay's own
 */
public record ManifestHeader(
    String mapfs,
    int format,
    String cluster,
    String node,
    String snapshot,
    String name,
    String comment,
    long createdMillis,
    String master,
    int version,
    long epoch,
    long sequence,
    String journalHash,
    String previous,
    long ownBytes) {
  /** What the member {@code mapfs} says. */
  public static final String KIND = "delta-manifest";

  /** The format that this release writes. */
  public static final int FORMAT = 1;
}
