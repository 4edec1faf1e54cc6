/**
 * Who is who: certificates, credentials and join tokens (docs/security.md).
 *
 * <p>Main types: {@link io.mapfs.core.security.CertificateAuthority} (the appliance's own), {@link
 * io.mapfs.core.security.Credential} (a key with its certificate, in one file), {@link
 * io.mapfs.core.security.JoinToken} (what a machine joins with), {@link
 * io.mapfs.core.security.Trust} (whose certificate is accepted in a TLS handshake).
 *
 * <p>Every certificate is issued by the authority itself, for an EC key on P-256, and says role and
 * name in its subject. It has no date of expiry that matters: the appliance knows every one that it
 * issued and refuses all others, and those that were revoked, at each connection.
 *
 * <p>Bouncy Castle is seen here alone, and loaded only where a certificate is made or asked for:
 * never by a connection.
 */
package io.mapfs.core.security;
