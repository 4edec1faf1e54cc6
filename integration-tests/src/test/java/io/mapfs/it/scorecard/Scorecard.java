package io.mapfs.it.scorecard;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The results, as the table that stands in docs/semantics.md. */
final class Scorecard {
  private static final String HOLDS = "holds";

  private final Map<Case, Map<String, String>> rows = new LinkedHashMap<>();

  /** All cases, in the table's order. */
  static Stream<Case> cases() {
    return Stream.of(
            IdentityCases.all(),
            LinkCases.all(),
            DirectoryCases.all(),
            ListingCases.all(),
            DataCases.all(),
            AttributeCases.all(),
            ProcessCases.all())
        .flatMap(List::stream);
  }

  /** {@code deviation}: in what the promise is broken, or {@code null}. */
  void record(Case row, String column, String deviation) {
    rows.computeIfAbsent(row, key -> new LinkedHashMap<>())
        .put(column, deviation == null ? HOLDS : "**no**: " + deviation);
  }

  /** How often a promise was kept. */
  private long kept(String column) {
    return rows.values().stream().filter(row -> HOLDS.equals(row.get(column))).count();
  }

  /** With a column for each of these. */
  String table(List<Candidate> candidates) {
    List<String> columns = candidates.stream().map(Candidate::name).toList();
    StringBuilder table = new StringBuilder();
    line(table, "promise", "told of by", columns);
    line(table, "---", "---", columns.stream().map(column -> "---").toList());
    rows.forEach(
        (row, results) ->
            line(table, row.promise(), row.source(), columns.stream().map(results::get).toList()));
    line(
        table,
        "**held, of " + rows.size() + "**",
        "",
        columns.stream().map(column -> Long.toString(kept(column))).toList());
    return table.toString();
  }

  private static void line(StringBuilder table, String promise, String source, List<String> cells) {
    table.append("| ").append(promise).append(" | ").append(source).append(" | ");
    table.append(String.join(" | ", cells)).append(" |\n");
  }
}
