/** The RPCs as functions, for the other doors of this process: through the same interceptors, without a wire in between. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type ContextValues, createHandlerContext, type Interceptor, type MethodImpl } from "@connectrpc/connect";
import { invokeUnaryImplementation } from "@connectrpc/connect/protocol";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import type { Service } from "../service/service.ts";
import { cancellationHandlers } from "./cancellation_service.ts";
import { executionHandlers } from "./execution_service.ts";

/** What surrounds a call. */
export interface CallScope {
  /** With the caller; and whatever the call leaves behind. */
  readonly values: ContextValues;
  /** The headers that an RPC reads: `idempotency-key`, `x-request-id`, `connect-timeout-ms`. */
  readonly header: Headers;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** One RPC. Rejects with a ConnectError that carries the details of `errors.ts`. */
export type UnaryCall<I extends DescMessage, O extends DescMessage> = (
  request: MessageInitShape<I>,
  scope: CallScope,
) => Promise<MessageShape<O>>;

export type Calls = ReturnType<typeof callsOf>;

/** The RPCs that the dialects stand on. */
export function callsOf(service: Service, interceptors: readonly Interceptor[]) {
  const cancellations = cancellationHandlers(service);
  const executions = executionHandlers(service);

  function unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O> & { readonly parent: DescService },
    impl: MethodImpl<DescMethodUnary<I, O>>,
  ): UnaryCall<I, O> {
    const spec = { kind: "unary", method, impl } as const;
    return (request, { values, header, signal }) => {
      const context = createHandlerContext({
        service: method.parent,
        method,
        protocolName: "rest",
        requestMethod: "POST",
        url: `http://localhost/${method.parent.typeName}/${method.name}`,
        requestHeader: header,
        requestSignal: signal,
        contextValues: values,
      });
      return invokeUnaryImplementation(spec, context, create(method.input, request), [...interceptors]);
    };
  }

  const { method: cancellation } = CancellationService;
  const { method: execution } = ExecutionService;
  return {
    cancelProcessInstance: unary(cancellation.cancelProcessInstance, cancellations.cancelProcessInstance),
    cancelProcess: unary(cancellation.cancelProcess, cancellations.cancelProcess),
    cancelWorkflowInstance: unary(cancellation.cancelWorkflowInstance, cancellations.cancelWorkflowInstance),
    cancelAssessmentWorkflow: unary(cancellation.cancelAssessmentWorkflow, cancellations.cancelAssessmentWorkflow),
    cancelWorkflowRun: unary(cancellation.cancelWorkflowRun, cancellations.cancelWorkflowRun),
    registerExecution: unary(execution.registerExecution, executions.registerExecution),
    getProcessInstance: unary(execution.getProcessInstance, executions.getProcessInstance),
    getProcess: unary(execution.getProcess, executions.getProcess),
    getWorkflowInstance: unary(execution.getWorkflowInstance, executions.getWorkflowInstance),
    listWorkflowInstances: unary(execution.listWorkflowInstances, executions.listWorkflowInstances),
    getAssessment: unary(execution.getAssessment, executions.getAssessment),
    listAssessments: unary(execution.listAssessments, executions.listAssessments),
    getWorkflowRun: unary(execution.getWorkflowRun, executions.getWorkflowRun),
    listWorkflowRuns: unary(execution.listWorkflowRuns, executions.listWorkflowRuns),
  };
}
