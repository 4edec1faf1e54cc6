/** The hash that everything here is known by: {@link io.mapfs.core.hash.Sha256}. */
package io.mapfs.core.hash;
