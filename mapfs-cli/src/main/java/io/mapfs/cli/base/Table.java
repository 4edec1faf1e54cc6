package io.mapfs.cli.base;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Aligned columns under a heading, numbers to the right. */
public final class Table {
  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] right;

  /** A heading that starts with {@code >} makes a column of numbers. */
  public Table(String... headings) {
    right = new boolean[headings.length];
    String[] row = new String[headings.length];
    for (int i = 0; i < headings.length; i++) {
      right[i] = headings[i].startsWith(">");
      row[i] = right[i] ? headings[i].substring(1) : headings[i];
    }
    rows.add(row);
  }

  /** Adds a row; what is empty is shown as a dash. */
  public Table row(Object... cells) {
    String[] row = new String[right.length];
    for (int i = 0; i < row.length; i++) {
      String cell = String.valueOf(cells[i]);
      row[i] = cell.isEmpty() ? "-" : cell;
    }
    rows.add(row);
    return this;
  }

  /** Prints the table, or the line for people if it has no rows. */
  public void print(PrintWriter out, String ifEmpty) {
    if (rows.size() == 1) {
      out.println(ifEmpty);
      return;
    }
    int[] widths = new int[right.length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].codePointCount(0, row[i].length()));
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        String blanks = " ".repeat(widths[i] - row[i].codePointCount(0, row[i].length()));
        line.append(i == 0 ? "" : "  ");
        line.append(right[i] ? blanks + row[i] : row[i] + blanks);
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
