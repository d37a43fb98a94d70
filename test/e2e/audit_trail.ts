/** The audit log as a server shows it. */
import { enumToJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { AuditEvent } from "../../gen/belay/v1/audit_service_pb.ts";
import { type Kind, KindSchema } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { Link } from "../store/audit_verifier.ts";
import type { Clients } from "./clients.ts";

/** All of a tenant's log, the oldest event first. @param tenant left out: the caller's own */
export async function wholeLog({ audit }: Pick<Clients, "audit">, tenant = ""): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let afterNumber = 0n, hasMore = true; hasMore; ) {
    const page = await audit.listAuditEvents({ tenant, afterNumber, pageSize: 1_000 });
    events.push(...page.events);
    afterNumber = page.lastNumber;
    hasMore = page.hasMore;
  }
  return events;
}

/** For the verifier, which knows nothing of protobuf. */
export function linkOf(event: AuditEvent): Link {
  const { execution, time, number, count, ...rest } = event;
  return {
    ...rest,
    number: Number(number),
    count: Number(count),
    time: time === undefined ? 0 : timestampMs(time),
    kind: execution === undefined ? "" : wordOf(execution.kind),
    executionId: execution?.id ?? "",
  };
}

/** "process_instance" */
function wordOf(kind: Kind): string {
  return String(enumToJson(KindSchema, kind))
    .replace(/^KIND_/, "")
    .toLowerCase();
}
