package io.mapfs.server.store;

/** A change of one control record. */
public sealed interface ControlChange {
  ControlTable<?> table();

  String key();

  /** The record is now this. */
  record Put<T>(ControlTable<T> table, String key, T value) implements ControlChange {}

  /** The record goes, if it is there. */
  record Delete(ControlTable<?> table, String key) implements ControlChange {}

  static <T> ControlChange put(ControlTable<T> table, String key, T value) {
    return new Put<>(table, key, value);
  }

  static ControlChange delete(ControlTable<?> table, String key) {
    return new Delete(table, key);
  }
}
