package io.mapfs.fuse;

import java.util.Set;

/**
 * What the kernel and the front end agreed on.
 *
 * @param frontEnd the front end's name
 * @param major protocol version, and {@code minor}: the lower of both sides'
 * @param writeBytesMax largest write request
 * @param features names of the agreed features, such as {@code WRITEBACK_CACHE}
 */
public record ConnectionFacts(
    String frontEnd, int major, int minor, int writeBytesMax, Set<String> features) {
  public ConnectionFacts {
    features = Set.copyOf(features);
  }
}
