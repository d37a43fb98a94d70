/** What a tenant has that another one must not reach: an execution of each kind, and all that can be named beside them. */
import { randomUUID } from "node:crypto";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import type { GatedServer, MadeKey } from "./gated_server.ts";
import { cancel, newId, startWork } from "./work.ts";

export interface Belongings {
  readonly processInstance: string;
  readonly process: string;
  readonly workflowInstance: string;
  readonly assessment: string;
  readonly workflowRun: string;
  /** Of a process that nobody ran, with a listener whose job is held under activation 1. */
  readonly cancellation: string;
  readonly listenerJob: string;
  /** Under way: its one item does not stop. */
  readonly batchOperation: string;
  readonly key: string;
}

/** Things of the right form that nobody has. */
export function nothingOf(): Belongings {
  const cancellation = randomUUID();
  return {
    processInstance: newId(Kind.PROCESS_INSTANCE),
    process: randomUUID(),
    workflowInstance: randomUUID(),
    assessment: randomUUID(),
    workflowRun: randomUUID(),
    cancellation,
    listenerJob: `${cancellation}:0`,
    batchOperation: newId(Kind.PROCESS_INSTANCE),
    key: randomUUID(),
  };
}

/** Makes them for the tenant of the key, which must have the scope admin. Each execution runs under the token 1. */
export async function furnish(server: GatedServer, owner: MadeKey): Promise<Belongings> {
  const clients = server.as(owner);
  const idOf = async (kind: Kind): Promise<string> => (await startWork(clients, kind, { lease: 600 })).ref.id;
  const { execution } = await clients.executions.registerExecution({
    kind: Kind.PROCESS,
    listeners: [{ type: LISTENER }],
  });
  const { id: cancellation } = await cancel(clients, execution!.ref!, Strategy.SOFT);
  const { jobs } = await clients.workers.activateListenerJobs({ workerId: "l-1", types: [LISTENER], lockSeconds: 600 });
  const { ref: selected } = await startWork(clients, Kind.PROCESS_INSTANCE, { lease: 600 });
  const response = await fetch(`${server.url}/v2/process-instances/cancellation`, {
    method: "POST",
    headers: { authorization: `Bearer ${owner.secret}`, "content-type": "application/json" },
    body: JSON.stringify({ filter: { processInstanceKey: selected.id } }),
  });
  const { batchOperationKey } = (await response.json()) as { batchOperationKey: string };
  const { id: key } = await server.createKey(owner.tenant, ["executions:read"]);
  return {
    processInstance: await idOf(Kind.PROCESS_INSTANCE),
    process: await idOf(Kind.PROCESS),
    workflowInstance: await idOf(Kind.WORKFLOW_INSTANCE),
    assessment: await idOf(Kind.ASSESSMENT),
    workflowRun: await idOf(Kind.WORKFLOW_RUN),
    cancellation,
    listenerJob: jobs[0]!.key,
    batchOperation: batchOperationKey,
    key,
  };
}

/** The type of the listener jobs. */
export const LISTENER = "tidy-up";

/** `text` with each of the things under the name of what it is, so that two answers can be compared. */
export function anonymized(text: string, things: Belongings): string {
  // The job's key has the cancellation's in it.
  const named = Object.entries(things).sort(([, a], [, b]) => b.length - a.length);
  return named.reduce((rest, [name, id]) => rest.replaceAll(id, `{${name}}`), text);
}
