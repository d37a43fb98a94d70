/** belay.v1.WorkerService. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Millis } from "../domain/time.ts";
import type { Service } from "../service/service.ts";
import { mapped } from "./accompanied.ts";
import { callerOf } from "./caller.ts";
import { cancellationMessage } from "./convert/cancellation.ts";
import { leaseMessage, requiredClaim } from "./convert/claim.ts";
import { executionMessage } from "./convert/execution.ts";
import { keyOf } from "./convert/execution_ref.ts";
import { integerOf } from "./convert/integer.ts";
import { millisOfSeconds } from "./convert/time.ts";
import { attachResponse, leaseAnswerMessage, listenerJobMessage } from "./convert/worker_message.ts";
import { idempotencyOf } from "./idempotency.ts";

/** How many listener jobs a worker takes at once where it does not say. */
const DEFAULT_MAX_JOBS = 1;

/** How long a worker may keep a listener job where it does not say. */
const DEFAULT_LOCK: Millis = 60_000;

export function workerHandlers(service: Service): ServiceImpl<typeof WorkerService> {
  return {
    async startExecution(request, context) {
      const key = keyOf(callerOf(context).tenant, request.execution, "execution");
      const claim = requiredClaim(request.claim);
      const execution = await service.start(key, claim, idempotencyOf(request, context));
      return { execution: executionMessage(execution), lease: leaseMessage(execution, claim) };
    },

    attach(request, context) {
      const { tenant } = callerOf(context);
      return mapped(service.attach(tenant, request.workerId, context.signal), attachResponse);
    },

    async heartbeat(request, context) {
      const { tenant } = callerOf(context);
      const leases = request.leases.map(({ execution, token }, index) => ({
        key: keyOf(tenant, execution, `leases[${index}].execution`),
        token: integerOf(token, `leases[${index}].token`),
      }));
      const answers = await service.heartbeat(leases);
      if (answers.length !== leases.length) throw new Error(`${leases.length} leases, but ${answers.length} answers`);
      return {
        leases: leases.flatMap((lease, index) => {
          const answer = answers[index];
          return answer === undefined ? [] : [leaseAnswerMessage(answer, lease)];
        }),
      };
    },

    async reportStopped(request, context) {
      const key = keyOf(callerOf(context).tenant, request.execution, "execution");
      const token = integerOf(request.token, "token");
      const idempotency = idempotencyOf(request, context);
      return { execution: executionMessage(await service.reportStopped(key, token, request.evidence, idempotency)) };
    },

    async activateListenerJobs(request, context) {
      const { workerId, types, maxJobs, lockSeconds, waitSeconds } = request;
      const activation = {
        tenant: callerOf(context).tenant,
        workerId,
        types,
        maxJobs: maxJobs === 0 ? DEFAULT_MAX_JOBS : maxJobs,
        lock: lockSeconds === 0 ? DEFAULT_LOCK : millisOfSeconds(lockSeconds),
        wait: millisOfSeconds(waitSeconds),
      };
      const taken = await service.activateListenerJobs(activation, context.signal);
      return { jobs: taken.map(listenerJobMessage) };
    },

    async completeListenerJob(request, context) {
      const activation = integerOf(request.activation, "activation");
      const { tenant } = callerOf(context);
      const idempotency = idempotencyOf(request, context);
      const after = await service.completeListenerJob(tenant, request.jobKey, activation, idempotency);
      return { cancellation: cancellationMessage(after) };
    },

    async failListenerJob(request, context) {
      const activation = integerOf(request.activation, "activation");
      const { jobKey, message, retries = null } = request;
      const failure = { retries, message, backoff: millisOfSeconds(request.backoffSeconds) };
      const { tenant } = callerOf(context);
      const idempotency = idempotencyOf(request, context);
      const after = await service.failListenerJob(tenant, jobKey, activation, failure, idempotency);
      return { cancellation: cancellationMessage(after) };
    },
  };
}
