package io.mapfs.server.control;

import io.mapfs.core.security.Role;

/**
 * Who asks.
 *
 * @param role {@code null} for somebody who has yet to get a certificate
 * @param name the node's or the administrator's; the node that a guest wants to become
 * @param credentialId of the certificate that proves it; {@code null} where none is needed
 */
record Caller(Role role, String name, String credentialId) {
  /** An administrator on the appliance's own machine, over plain TCP. */
  static final String LOCAL = "local";

  boolean isAdministrator() {
    return role == Role.ADMINISTRATOR;
  }

  boolean isNode(String node) {
    return role == Role.NODE && name.equals(node);
  }

  boolean isGuest() {
    return role == null;
  }

  /** For people and the audit log. */
  @Override
  public String toString() {
    return (isGuest() ? "guest" : role.text()) + " " + name;
  }
}
