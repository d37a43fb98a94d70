/** belay.v1.CancellationService. */
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type CancellationService,
  WatchCancellationResponseSchema,
} from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { Service, StoredEvent } from "../service/service.ts";
import { mapped } from "./accompanied.ts";
import { callerOf } from "./caller.ts";
import {
  cancelAssessmentWorkflowAnswer,
  cancelProcessAnswer,
  cancelProcessInstanceAnswer,
  cancelWorkflowInstanceAnswer,
  cancelWorkflowRunAnswer,
} from "./cancel_answers.ts";
import { cancelRequestOf } from "./cancel_request.ts";
import { cancellationMessage } from "./convert/cancellation.ts";
import { cancellationFilterOf, pageRequestOf } from "./convert/filters.ts";
import { integerOf } from "./convert/integer.ts";
import { timelineEventMessage } from "./convert/timeline_event.ts";
import { idempotencyOf } from "./idempotency.ts";
import { rememberLast } from "./remember_last.ts";

export function cancellationHandlers(service: Service): ServiceImpl<typeof CancellationService> {
  const toldOf = rememberLast((event: StoredEvent) =>
    create(WatchCancellationResponseSchema, { event: timelineEventMessage(event) }),
  );
  return {
    async cancelProcessInstance(request, context) {
      const ref = { kind: "process_instance", id: request.processInstanceKey } as const;
      const operationReference = request.operationReference?.toString() ?? null;
      const cancel = cancelRequestOf(request, ref, context, { operationReference });
      return cancelProcessInstanceAnswer(await service.cancel(cancel, context.signal));
    },

    async cancelProcess(request, context) {
      const cancel = cancelRequestOf(request, { kind: "process", id: request.processId }, context);
      return cancelProcessAnswer(await service.cancel(cancel, context.signal));
    },

    async cancelWorkflowInstance(request, context) {
      const { instanceId: id, workflowId } = request;
      const cancel = cancelRequestOf(request, { kind: "workflow_instance", id }, context, { workflowId });
      return cancelWorkflowInstanceAnswer(await service.cancel(cancel, context.signal));
    },

    async cancelAssessmentWorkflow(request, context) {
      const cancel = cancelRequestOf(request, { kind: "assessment", id: request.assessmentId }, context);
      return cancelAssessmentWorkflowAnswer(await service.cancel(cancel, context.signal));
    },

    async cancelWorkflowRun(request, context) {
      const cancel = cancelRequestOf(request, { kind: "workflow_run", id: request.runId }, context);
      return cancelWorkflowRunAnswer(await service.cancel(cancel, context.signal));
    },

    async getCancellation(request, context) {
      const found = await service.getCancellation(callerOf(context).tenant, request.cancellationId);
      return { cancellation: cancellationMessage(found, found.timeline) };
    },

    async listCancellations(request, context) {
      const { tenant } = callerOf(context);
      const page = await service.listCancellations(tenant, cancellationFilterOf(request), pageRequestOf(request));
      return {
        cancellations: page.items.map((item) => cancellationMessage(item)),
        nextPageToken: page.nextPageToken,
      };
    },

    watchCancellation(request, context) {
      const { tenant } = callerOf(context);
      const after = integerOf(request.afterSequence, "after_sequence");
      return mapped(service.watchCancellation(tenant, request.cancellationId, after, context.signal), toldOf);
    },

    async resolveIncident(request, context) {
      const { cancellationId, retries = 1 } = request;
      const { tenant } = callerOf(context);
      const idempotency = idempotencyOf(request, context);
      const resolved = await service.resolveIncident(tenant, cancellationId, retries, idempotency);
      return { cancellation: cancellationMessage(resolved) };
    },
  };
}
