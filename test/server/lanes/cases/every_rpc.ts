/** Every unary RPC there is, over every wire: with a request that it can carry out, an empty one, and one that can't be read. */
import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { Health } from "../../../../gen/grpc/health/v1/health_pb.ts";
import { SERVICES } from "../../../../src/rpc/routes.ts";
import type { Belongings } from "../../../e2e/belongings.ts";
import { LISTENER } from "../../../e2e/belongings.ts";
import { requestAbout } from "../../../e2e/rpc_requests.ts";
import { keyOfKind, registration, type TestService } from "../../../service/world.ts";
import type { Backend } from "../backend.ts";
import { cancelWithListener } from "../belay_backend.ts";
import type { Case } from "../case.ts";
import { ask, isJson, type Message, WIRES, type Wire } from "../wire.ts";

interface Place {
  readonly method: DescMethodUnary;
  readonly wire: Wire;
  /** Each has its own executions. */
  readonly number: number;
}

const METHODS = [...SERVICES, Health].flatMap((service) => [...service.methods]).filter((method) => isUnary(method));

const PLACES: readonly Place[] = METHODS.flatMap((method, row) =>
  WIRES.map((wire, column) => ({ method, wire, number: row * WIRES.length + column })),
);

/** Those that answer with something random: the secret of a key, and the digests of the audit log. */
const RANDOM = new Set(["CreateKey", "ListKeys", "ListAuditEvents"]);

export const EVERY_RPC: readonly Case[] = PLACES.flatMap((place) => {
  const { method, wire } = place;
  const name = `${wire}: ${method.parent.typeName}/${method.name}`;
  const races = RANDOM.has(method.name);
  return [
    { name: `${name}, carried out`, ask: (backend: Backend) => ask(wire, method, requestOf(place, backend)), races },
    { name: `${name}, empty`, ask: ask(wire, method, isJson(wire) ? {} : Buffer.alloc(0)), races },
    { name: `${name}, unreadable`, ask: ask(wire, method, isJson(wire) ? Buffer.from("{") : Buffer.from([0xff])) },
    ...(isJson(wire) ? [{ name: `${name}, of wrong types`, ask: ask(wire, method, wrongTypes(method)), races }] : []),
  ];
});

/** What the cases find: an execution of each kind for each, and a cancellation that waits for a listener. */
export async function furnishEveryRpc(world: TestService): Promise<ReadonlyMap<string, string>> {
  await Promise.all(PLACES.flatMap(registrationsFor).map((request) => world.service.register(request)));
  const cancellations = new Map<string, string>();
  for (const { number } of PLACES.filter(({ method }) => needsCancellation(method))) {
    cancellations.set(cancelledOf(number), await cancelWithListener(world, cancelledOf(number), LISTENER));
  }
  return cancellations;
}

function registrationsFor({ method, number }: Place) {
  const { processInstance, process, workflowInstance, assessment, workflowRun } = thingsOf(number, "");
  // Work that a worker runs is not cancelled here: what becomes of that takes its time.
  const workerId = /Complete|Fail|Heartbeat|ReportStopped/.test(method.name) ? "a-worker" : null;
  return [
    registration(keyOfKind("process_instance", processInstance), null),
    registration(keyOfKind("process", process), workerId),
    registration(keyOfKind("workflow_instance", workflowInstance), null, { workflowId: "wf-1" }),
    registration(keyOfKind("assessment", assessment), null),
    registration(keyOfKind("workflow_run", workflowRun), null),
  ];
}

function requestOf({ method, number }: Place, backend: Backend): Message {
  if (method.parent === Health) return {};
  const cancellation = needsCancellation(method) ? backend.cancellationOf(cancelledOf(number)) : "";
  return requestAbout(`${method.parent.typeName}/${method.name}`, thingsOf(number, cancellation));
}

function needsCancellation({ name }: DescMethodUnary): boolean {
  return ["GetCancellation", "ResolveIncident", "CompleteListenerJob", "FailListenerJob"].includes(name);
}

function cancelledOf(number: number): string {
  return `cancelled-${number}`;
}

function thingsOf(number: number, cancellation: string): Belongings {
  return {
    processInstance: String(4_503_599_627_370_000 + number),
    process: `process-${number}`,
    workflowInstance: `workflow-instance-${number}`,
    assessment: `assessment-${number}`,
    workflowRun: `workflow-run-${number}`,
    cancellation,
    listenerJob: `${cancellation}:0`,
    batchOperation: "1",
    key: "00000000-0000-7000-8000-000000000001",
  };
}

/** A list for every field that is none, and a number for every list. */
function wrongTypes({ input }: DescMethodUnary): JsonObject {
  return Object.fromEntries(input.fields.map((field) => [field.jsonName, field.fieldKind === "list" ? 1 : [[]]]));
}

function isUnary(method: (typeof SERVICES)[number]["methods"][number]): method is DescMethodUnary {
  return method.methodKind === "unary";
}
