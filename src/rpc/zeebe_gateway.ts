/** gateway_protocol.Gateway: the cancel of Camunda 8's clients that speak gRPC. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { Gateway } from "../../gen/gateway_protocol/gateway_pb.ts";
import type { Service } from "../service/service.ts";
import { beginAuditTrail } from "./audit_trail.ts";
import { callerOf } from "./caller.ts";
import { cancelProcessInstanceAnswer } from "./cancel_answers.ts";
import { idempotencyOf } from "./idempotency.ts";

export function gatewayHandlers(service: Service): ServiceImpl<typeof Gateway> {
  return {
    async cancelProcessInstance(request, context) {
      const { processInstanceKey, operationReference } = request;
      const answer = await service.cancel(
        {
          key: { tenant: callerOf(context).tenant, kind: "process_instance", id: processInstanceKey.toString() },
          strategy: null,
          forceAfter: null,
          reason: "",
          requestedBy: null,
          operationReference: operationReference?.toString() ?? null,
          workflowId: null,
          // The message has no command id; the header names one.
          idempotency: idempotencyOf(request, context),
          audit: beginAuditTrail(context.method.name, context),
        },
        context.signal,
      );
      // Says how it ended, which is an error unless it is cancelled.
      cancelProcessInstanceAnswer(answer);
      return {};
    },
  };
}
