package io.mapfs.core.overlay;

import io.mapfs.core.journal.JournalRecord;
import java.util.List;

/**
 * A record as the local journal keeps it: its pages are named by where they lie in the page log.
 *
 * @param pages slots of the record's written pages, in the record's order
 */
record SealedRecord(JournalRecord record, List<SlotRun> pages) {
  SealedRecord {
    pages = List.copyOf(pages);
  }

  int pageCount() {
    int count = 0;
    for (SlotRun run : pages) {
      count += run.count();
    }
    return count;
  }
}
