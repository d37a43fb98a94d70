/** Reads the audit log, page by page. */
import { setTimeout } from "node:timers/promises";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { AuditEvent, RemovedAuditEvent } from "../../gen/belay/v1/audit_service_pb.ts";
import type { ExecutionRef } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { AdminClients } from "./admin_access.ts";
import { READ_TIMEOUT } from "./connection.ts";

/** Which events are wanted: those that fit all that is given. */
export interface AuditWish {
  /** Empty: that of whoever asks. */
  readonly tenant: string;
  readonly execution?: ExecutionRef;
  readonly principal?: string;
  readonly fromTime?: Timestamp;
  readonly toTime?: Timestamp;
  readonly refused?: boolean;
}

/** The most that the server sends at once. */
const PAGE_SIZE = 1000;

/** How often whoever follows the log looks for new events, in milliseconds. */
const LOOK_EVERY = 1_000;

/** The last event of the tenant's log that was removed because of its age; undefined: none. */
export async function removedEvent({ audit }: AdminClients, tenant: string): Promise<RemovedAuditEvent | undefined> {
  const { removed } = await audit.listAuditEvents({ tenant, pageSize: 1 }, { timeoutMs: READ_TIMEOUT });
  return removed;
}

/** Yields every event that fits, the oldest first; with `follow`, then those to come, without end. */
export async function* auditEvents(
  { audit }: AdminClients,
  wish: AuditWish,
  follow: boolean,
): AsyncGenerator<AuditEvent> {
  let afterNumber = 0n;
  while (true) {
    const request = { ...wish, pageSize: PAGE_SIZE, afterNumber };
    const { events, hasMore, lastNumber } = await audit.listAuditEvents(request, { timeoutMs: READ_TIMEOUT });
    yield* events;
    afterNumber = lastNumber;
    if (hasMore) continue;
    if (!follow) return;
    await setTimeout(LOOK_EVERY);
  }
}
