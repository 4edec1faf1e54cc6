/**
 * What travels between node, command line and appliance: messages, their codec, and the failures
 * that they carry. No sockets.
 *
 * <p>Invariants: every size and count is bounded before anything is allocated for it; an unknown
 * message type is answered, not guessed.
 */
package io.mapfs.core.wire;
