/** What the five Cancel RPCs ask for in common. */
import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { Strategy as StrategyMessage } from "../../gen/belay/v1/cancellation_pb.ts";
import type { RequestedBy as RequestedByMessage } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { ExecutionRef } from "../domain/execution.ts";
import type { CancelRequest } from "../service/service.ts";
import { beginAuditTrail } from "./audit_trail.ts";
import { callerOf } from "./caller.ts";
import { strategyOfMessage } from "./convert/enums.ts";
import { requestedByOf } from "./convert/requested_by.ts";
import { millisOfSeconds } from "./convert/time.ts";
import { idempotencyOf } from "./idempotency.ts";

interface CancelMessage extends Message {
  commandId: string;
  reason: string;
  requestedBy?: RequestedByMessage | undefined;
  strategy: StrategyMessage;
  forceAfterSeconds?: number | undefined;
}

/** What only some kinds have. */
type Particulars = Partial<Pick<CancelRequest, "operationReference" | "workflowId">>;

/** A strategy or a span that is left out is the default of the kind. */
export function cancelRequestOf(
  message: CancelMessage,
  ref: ExecutionRef,
  context: HandlerContext,
  { operationReference = null, workflowId = null }: Particulars = {},
): CancelRequest {
  const { forceAfterSeconds } = message;
  return {
    key: { tenant: callerOf(context).tenant, ...ref },
    strategy: strategyOfMessage(message.strategy) ?? null,
    forceAfter: forceAfterSeconds === undefined ? null : millisOfSeconds(forceAfterSeconds),
    reason: message.reason,
    requestedBy: requestedByOf(message.requestedBy),
    operationReference,
    workflowId,
    idempotency: idempotencyOf(message, context),
    audit: beginAuditTrail(context.method.name, context),
  };
}
