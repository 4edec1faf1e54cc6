/** Files that survive a power cut whole: {@link io.mapfs.core.files.DurableFiles}. */
package io.mapfs.core.files;
