package io.mapfs.cli.base;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

final class TableTest {
  @Test
  void alignsColumnsAndNumbers() {
    Table table = new Table("NODE", ">ENTRIES", "MOUNTED");
    table.row("web01", 12, "no").row("a", 1234567, "");
    assertEquals("NODE   ENTRIES  MOUNTED\nweb01       12  no\na      1234567  -\n", print(table));
  }

  @Test
  void saysWhatToDoWhenThereIsNothing() {
    assertEquals("None yet.\n", print(new Table("NODE")));
  }

  private static String print(Table table) {
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text);
    table.print(out, "None yet.");
    return text.toString();
  }
}
