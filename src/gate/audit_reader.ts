/** Shows the audit log of a tenant to those who may see it. */
import type { AuditFilter, AuditLog, AuditPage } from "../store/audit.ts";
import type { Identity } from "./identity.ts";
import { tenantOf } from "./keys.ts";

export type { AuditAnchor, AuditEvent, AuditFilter } from "../store/audit.ts";

export interface AuditReader {
  /** Oldest first, from the event after `afterNumber`. @param tenant empty: the tenant of whoever asks */
  list(by: Identity, tenant: string, filter: AuditFilter, afterNumber: number, limit: number): Promise<AuditPage>;
}

export function createAuditReader(log: Pick<AuditLog, "list">): AuditReader {
  return {
    list: async (by, tenant, filter, afterNumber, limit) => log.list(tenantOf(by, tenant), filter, afterNumber, limit),
  };
}
