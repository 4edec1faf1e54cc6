/** Commands on administrators: add, list, revoke. */
package io.mapfs.cli.admin;
