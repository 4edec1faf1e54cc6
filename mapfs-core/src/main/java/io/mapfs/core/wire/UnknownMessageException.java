package io.mapfs.core.wire;

/** A message of a type that this release does not know: to be refused, not guessed. */
public final class UnknownMessageException extends Exception {
  private static final long serialVersionUID = 1L;

  UnknownMessageException(int type) {
    super("messages of type " + type + " are not known here");
  }
}
