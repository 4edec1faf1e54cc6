/**
 * Words for people: sizes with units, and the name that someone probably meant. Pure functions, no
 * state.
 */
package io.mapfs.core.text;
