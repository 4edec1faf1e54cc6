/**
 * Templates: YAML files that describe a kind of node.
 *
 * <p>Main types: {@link io.mapfs.cli.template.Template} (what it says), {@link
 * io.mapfs.cli.template.TemplateReader} (reads one, refusing what it does not know with file, line
 * and column), {@link io.mapfs.cli.template.TemplateLibrary} (finds one by name).
 */
package io.mapfs.cli.template;
