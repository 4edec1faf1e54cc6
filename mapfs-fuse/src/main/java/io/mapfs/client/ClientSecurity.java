package io.mapfs.client;

import io.mapfs.core.security.Credential;
import io.mapfs.core.security.JoinToken;

/** By what a client knows the appliance, and what it proves of itself. */
public sealed interface ClientSecurity {
  /** Nothing, over plain TCP: on the loopback address alone. */
  ClientSecurity PLAIN = new Plain();

  /** Nothing is encrypted and nobody is known. */
  record Plain() implements ClientSecurity {}

  /** TLS, with a certificate at both ends. */
  record Certified(Credential credential) implements ClientSecurity {}

  /** TLS, to get a certificate: the token says by what the appliance is known. */
  record Joining(JoinToken token) implements ClientSecurity {}
}
