/** Commands on the repository: import, list, versions, show, verify, delete, sweep. */
package io.mapfs.cli.repo;
