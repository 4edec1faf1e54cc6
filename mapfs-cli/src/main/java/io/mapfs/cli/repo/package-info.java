/** Commands on the repository: import, list, versions, show, verify. */
package io.mapfs.cli.repo;
