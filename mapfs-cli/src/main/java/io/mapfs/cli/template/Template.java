package io.mapfs.cli.template;

/**
 * What a template says of a kind of node. Members other than the name are null where it says
 * nothing.
 *
 * @param name the file's name without its ending
 * @param description for people
 * @param master the master that such nodes stand on
 * @param version a version's number or a channel's name
 * @param quotaBytes most bytes of own data
 * @param cacheBytes size of the node's block cache
 * @param encrypt whether the overlay is encrypted at the appliance
 */
public record Template(
    String name,
    String description,
    String master,
    String version,
    Long quotaBytes,
    Long cacheBytes,
    boolean encrypt) {
  /** Says nothing. */
  public static final Template EMPTY = new Template("", null, null, null, null, null, false);
}
