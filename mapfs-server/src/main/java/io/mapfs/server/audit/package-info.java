/**
 * What administrators did: who, what, when, and how it ended.
 *
 * <p>Main types: {@link io.mapfs.server.audit.AuditLog}, {@link io.mapfs.server.audit.AuditFile}
 * (the format, docs/security.md).
 *
 * <p>Invariants: an act is durable here before it is carried out; every line's hash covers all
 * lines before it, so that none can be changed, taken out or put in without a trace.
 */
package io.mapfs.server.audit;
