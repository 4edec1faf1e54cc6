package io.mapfs.fuse;

import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Chooses a front end by name. */
public final class FrontEnds {
  /** The name that stands for the best one that works here. */
  public static final String AUTO = "auto";

  private FrontEnds() {}

  /**
   * The front end of that name, or for {@link #AUTO} the best that works here.
   *
   * @throws MountException if there is none of that name or it cannot work here
   */
  public static FrontEnd named(String name) throws MountException {
    return choose(name, ServiceLoader.load(FrontEnd.class).stream().map(p -> p.get()).toList());
  }

  static FrontEnd choose(String name, List<FrontEnd> known) throws MountException {
    List<FrontEnd> ranked =
        known.stream().sorted(Comparator.comparingInt(FrontEnd::preference).reversed()).toList();
    List<FrontEnd> named =
        name.equals(AUTO) ? ranked : ranked.stream().filter(f -> f.name().equals(name)).toList();
    if (named.isEmpty()) {
      throw new MountException(
          "no front end is called '" + name + "'; take one of: " + AUTO + ", " + names(ranked));
    }
    for (FrontEnd candidate : named) {
      if (candidate.unavailable().isEmpty()) {
        return candidate;
      }
    }
    throw new MountException(
        named.stream()
            .map(f -> f.name() + ": " + f.unavailable().orElse("available"))
            .collect(Collectors.joining("; ", "no front end works here: ", "")));
  }

  private static String names(List<FrontEnd> known) {
    return known.stream().map(FrontEnd::name).collect(Collectors.joining(", "));
  }
}
