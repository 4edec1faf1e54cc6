package io.mapfs.core.security;

/** What the holder of a certificate is. */
public enum Role {
  /** Proves to clients that it is the appliance. */
  APPLIANCE,
  /** A machine, for its own overlay and its master. */
  NODE,
  /** A person or program that administers the appliance. */
  ADMINISTRATOR;

  /** As it stands in a certificate's subject and in control records. */
  public String text() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
