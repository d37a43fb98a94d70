/** An audit event as a line for people. */
import type { AuditEvent } from "../../gen/belay/v1/audit_service_pb.ts";
import { nameOf } from "./kinds/all_kinds.ts";
import { dim, plain, red } from "./paint.ts";
import { printable } from "./printable.ts";
import { localDateTime } from "./time_format.ts";

/** "#17  2026-01-05 12:03:11.250  CancelProcess process p-1: applied, by ops (key:0199…) from 192.0.2.7, because "wrong input"" */
export function auditLine(event: AuditEvent): string {
  const { number, time, action, execution, outcome, message, count } = event;
  const what = execution === undefined ? action : `${action} ${nameOf(execution)}`;
  const times = count > 1n ? `, ${count} times` : "";
  const refusal = message === "" ? "" : ` (${message})`;
  const paint = message === "" ? plain : red;
  const begin = `${`#${number}`.padStart(6)}  ${time === undefined ? "" : localDateTime(time)}`;
  return `${dim(begin)}  ${paint(printable(`${what}: ${outcome}${refusal}${times}`))}${printable(whoAndWhy(event))}`;
}

function whoAndWhy({ principal, name, address, requestedBy, reason }: AuditEvent): string {
  const caller =
    principal === "" ? "somebody unknown" : name === "" || name === principal ? principal : `${name} (${principal})`;
  return [
    `, by ${caller}`,
    address === "" ? "" : ` from ${address}`,
    requestedBy === "" ? "" : `, for ${requestedBy}`,
    reason === "" ? "" : `, because ${JSON.stringify(reason)}`,
  ].join("");
}
