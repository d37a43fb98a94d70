/** What the audit log keeps of a cancel that was refused at the door, because the server had too much to do. */
import { Code } from "@connectrpc/connect";
import type { RouteTable } from "../rest/route_table.ts";
import { isAudited } from "../rpc/auditing.ts";
import { type AuditEntry, refusalEntry } from "../rpc/refusal_entry.ts";
import type { ShedCall } from "./admission_handler.ts";

/** Null: the audit log keeps nothing of it. */
export function shedRefusal({ exchange, method }: ShedCall, table: RouteTable): AuditEntry | null {
  const { request, path, peer, requestId } = exchange;
  const found = method === null ? table.find(request.method ?? "", path) : null;
  // The body of an RPC, which names what was to be cancelled, was never read.
  const ofRpc = method !== null && isAudited(method) ? { action: method.name, execution: null } : null;
  const subject = ofRpc ?? found?.route.audited?.(found.params) ?? null;
  if (subject === null) return null;
  return refusalEntry({
    subject: { ...subject, reason: "", requestedBy: "" },
    // Nobody asked who it was.
    caller: null,
    address: peer.address,
    requestId,
    refusal: { code: Code.ResourceExhausted, reason: "OVERLOADED", message: "the server has too much to do" },
  });
}
