/**
 * Encryption at rest: an overlay's content as it is stored, and its key as it is kept
 * (docs/security.md, ADR 22).
 *
 * <p>Main types: {@link io.mapfs.core.seal.OverlayKey} (an overlay's data key), {@link
 * io.mapfs.core.seal.OverlaySeal} (what it does to blocks and journal frames), {@link
 * io.mapfs.core.seal.KeyWrap} (the key for whoever has a private key), {@link
 * io.mapfs.core.seal.RecoveryKey} (the administrator's, off line).
 *
 * <p>Cryptography is the JDK's alone: AES-256-GCM, HMAC and SHA-256, ECDH on P-256.
 */
package io.mapfs.core.seal;
