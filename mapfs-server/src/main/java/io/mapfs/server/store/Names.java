package io.mapfs.server.store;

import io.mapfs.core.text.NearestName;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.util.Collection;
import java.util.regex.Pattern;

/** Names of masters, nodes and snapshots: which are good, and which was meant. */
public final class Names {
  private static final Pattern GOOD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

  private Names() {}

  /**
   * Refuses a name that is none.
   *
   * @param what "master", "node", "snapshot"
   */
  public static String require(String what, String name) throws ApplianceException {
    if (!GOOD.matcher(name).matches()) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "'"
              + name
              + "' is no name for a "
              + what
              + ": use 1 to 63 letters, digits, dots, dashes and underscores, a letter or digit"
              + " first");
    }
    return name;
  }

  /** The refusal where there is nothing of that name. */
  public static ApplianceException notFound(String what, String name, Collection<String> existing) {
    return new ApplianceException(
        FailureCode.NOT_FOUND,
        "there is no " + what + " '" + name + "'" + NearestName.hint(name, existing));
  }
}
