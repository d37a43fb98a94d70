/** belay.v1.AuditService. */
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AuditEvent as AuditEventMessage,
  AuditEventSchema,
  type AuditService,
  type ListAuditEventsRequest,
  type RemovedAuditEvent,
  RemovedAuditEventSchema,
} from "../../gen/belay/v1/audit_service_pb.ts";
import type { AuditAnchor, AuditEvent, AuditFilter, AuditReader } from "../gate/audit_reader.ts";
import { callerOf } from "./caller.ts";
import { optionalRefOf, refMessage } from "./convert/execution_ref.ts";
import { DEFAULT_PAGE_SIZE } from "./convert/filters.ts";
import { integerOf } from "./convert/integer.ts";
import { millisOfTimestamp, timestampMessage } from "./convert/time.ts";

export function auditHandlers(reader: AuditReader): ServiceImpl<typeof AuditService> {
  return {
    async listAuditEvents(request, context) {
      const after = integerOf(request.afterNumber, "after_number");
      const limit = request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize;
      const page = await reader.list(callerOf(context), request.tenant, filterOf(request), after, limit);
      const { events, lastNumber, hasMore, removed } = page;
      return {
        events: events.map(auditEventMessage),
        lastNumber: BigInt(lastNumber),
        hasMore,
        ...(removed !== null && { removed: removedMessage(removed) }),
      };
    },
  };
}

function filterOf(request: ListAuditEventsRequest): AuditFilter {
  return {
    execution: optionalRefOf(request.execution, "execution"),
    principal: request.principal,
    from: millisOfTimestamp(request.fromTime, "from_time"),
    to: millisOfTimestamp(request.toTime, "to_time"),
    refusedOnly: request.refused,
  };
}

function removedMessage({ number, hash, removedAt }: AuditAnchor): RemovedAuditEvent {
  return create(RemovedAuditEventSchema, { number: BigInt(number), hash, removeTime: timestampMessage(removedAt) });
}

function auditEventMessage(event: AuditEvent): AuditEventMessage {
  const { action, principal, name, address, requestedBy, execution } = event;
  const { reason, outcome, message, cancellationId, requestId } = event;
  return create(AuditEventSchema, {
    number: BigInt(event.number),
    hash: event.hash,
    previousHash: event.previousHash,
    time: timestampMessage(event.at),
    action,
    principal,
    name,
    address,
    requestedBy,
    ...(execution !== null && { execution: refMessage(execution) }),
    reason,
    outcome,
    message,
    cancellationId,
    requestId,
    count: BigInt(event.count),
  });
}
