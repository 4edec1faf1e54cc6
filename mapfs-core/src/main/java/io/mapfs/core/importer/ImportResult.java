package io.mapfs.core.importer;

import java.util.List;

/**
 * A finished import.
 *
 * @param version the version's number
 * @param notices what the administrator should know; at most {@link #NOTICES_MAX} of them
 * @param noticeCount how many there were
 */
public record ImportResult(
    String master,
    int version,
    ImportStatistics statistics,
    List<ImportNotice> notices,
    long noticeCount) {
  /** Most notices that are kept. */
  public static final int NOTICES_MAX = 1000;
}
