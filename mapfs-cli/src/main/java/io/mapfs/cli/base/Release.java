package io.mapfs.cli.base;

/** This release's name. */
public final class Release {
  private Release() {}

  /** As in {@code mapfs 0.1.0}; the version is the jar's. */
  public static String name() {
    String version = Release.class.getPackage().getImplementationVersion();
    return "mapfs " + (version == null ? "(built from classes)" : version);
  }
}
