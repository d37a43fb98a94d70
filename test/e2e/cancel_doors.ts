/** Every door through which an execution can be cancelled: the RPCs, the routes of the dialects, and Zeebe's gateway. */
import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { CancelProcessInstanceRequestSchema as GatewayRequestSchema } from "../../gen/gateway_protocol/gateway_pb.ts";
import { type Answer, type Door, grpcDoor, httpDoor } from "./doors.ts";
import { WORKFLOW_ID } from "./work.ts";

/** An answer, in a form that can be compared byte for byte. */
interface Said {
  /** The HTTP status; over gRPC "ok" or the code. */
  readonly status: number | string;
  /** As it stood on the wire; of an error over gRPC its message. */
  readonly body: string;
}

/** The wires to one server. */
export interface Wires {
  readonly url: string;
  readonly http: Door;
  readonly grpc: Door;
}

export interface CancelDoor {
  readonly name: string;
  readonly kind: Kind;
  /** What refuses a key that was used before with another request. */
  readonly reused: number | string;
  /** Cancels, under a key if one is given. */
  readonly cancel: (wires: Wires, id: string, key: string | null, signal?: AbortSignal) => Promise<Said>;
}

export function openWires(url: string): Wires & { readonly close: () => void } {
  const grpc = grpcDoor(url);
  return { url, http: httpDoor(url), grpc, close: () => grpc.close() };
}

/** The Cancel RPC of each kind, and its request. */
export const CANCEL_RPCS: readonly {
  readonly kind: Kind;
  readonly rpc: string;
  readonly requestOf: (id: string) => JsonObject;
}[] = [
  { kind: Kind.PROCESS_INSTANCE, rpc: "CancelProcessInstance", requestOf: (id) => ({ processInstanceKey: id }) },
  {
    kind: Kind.PROCESS,
    rpc: "CancelProcess",
    requestOf: (id) => ({ processId: id, reason: "wrong input", requestedBy: { system: "test" } }),
  },
  {
    kind: Kind.WORKFLOW_INSTANCE,
    rpc: "CancelWorkflowInstance",
    requestOf: (id) => ({ workflowId: WORKFLOW_ID, instanceId: id }),
  },
  { kind: Kind.ASSESSMENT, rpc: "CancelAssessmentWorkflow", requestOf: (id) => ({ assessmentId: id }) },
  { kind: Kind.WORKFLOW_RUN, rpc: "CancelWorkflowRun", requestOf: (id) => ({ runId: id }) },
];

const RPC_DOORS: readonly CancelDoor[] = CANCEL_RPCS.flatMap(({ kind, rpc, requestOf }): CancelDoor[] => [
  {
    name: `${rpc} over HTTP/JSON, with the header`,
    kind,
    reused: 422,
    cancel: ({ url }, id, key, signal) =>
      sendJson(`${url}/belay.v1.CancellationService/${rpc}`, requestOf(id), key, signal),
  },
  {
    name: `${rpc} over HTTP/JSON, with command_id`,
    kind,
    reused: 422,
    cancel: ({ url }, id, key, signal) =>
      sendJson(`${url}/belay.v1.CancellationService/${rpc}`, withCommandId(requestOf(id), key), null, signal),
  },
  {
    name: `${rpc} over gRPC, with the header`,
    kind,
    reused: "invalid_argument",
    cancel: async ({ grpc }, id, key) => saidOverGrpc(await grpc.call(rpc, requestOf(id), { headers: headersOf(key) })),
  },
  {
    name: `${rpc} over gRPC, with command_id`,
    kind,
    reused: "invalid_argument",
    cancel: async ({ grpc }, id, key) => saidOverGrpc(await grpc.call(rpc, withCommandId(requestOf(id), key))),
  },
]);

/** A route of a dialect: what it is sent, beside the header. */
function route(
  name: string,
  kind: Kind,
  method: string,
  pathOf: (id: string) => string,
  body: JsonObject | null,
  reused = 422,
): CancelDoor {
  return {
    name,
    kind,
    reused,
    cancel: ({ url }, id, key, signal) => sendJson(url + pathOf(id), body, key, signal, method),
  };
}

const DIALECT_DOORS: readonly CancelDoor[] = [
  route("Camunda", Kind.PROCESS_INSTANCE, "POST", (id) => `/v2/process-instances/${id}/cancellation`, {}),
  route("Camunda without /v2", Kind.PROCESS_INSTANCE, "POST", (id) => `/process-instances/${id}/cancellation`, null),
  route("PhoneFarm", Kind.PROCESS, "POST", (id) => `/processes/${id}/cancel`, {
    reason: "wrong phone",
    requested_by: { system: "test" },
  }),
  // Its clients can't read a 422.
  route(
    "Datadog",
    Kind.WORKFLOW_INSTANCE,
    "PUT",
    (id) => `/api/v2/workflows/${WORKFLOW_ID}/instances/${id}/cancel`,
    null,
    400,
  ),
  route("Maxsight", Kind.ASSESSMENT, "POST", (id) => `/v5/assessments/${id}/cancel-workflow`, null),
  route("Maxsight without /v5", Kind.ASSESSMENT, "POST", (id) => `/assessments/${id}/cancel-workflow`, null),
  route("Retab", Kind.WORKFLOW_RUN, "POST", (id) => `/v1/workflows/runs/${id}/cancel`, null),
  {
    name: "Retab, with its own command_id",
    kind: Kind.WORKFLOW_RUN,
    reused: 422,
    cancel: ({ url }, id, key, signal) =>
      sendJson(`${url}/v1/workflows/runs/${id}/cancel`, { command_id: key }, null, signal),
  },
];

const ZEEBE: CancelDoor = {
  name: "Zeebe's gateway",
  kind: Kind.PROCESS_INSTANCE,
  reused: "invalid_argument",
  async cancel({ grpc }, id, key) {
    const request = toBinary(GatewayRequestSchema, fromJson(GatewayRequestSchema, { processInstanceKey: id }));
    const path = "/gateway_protocol.Gateway/CancelProcessInstance";
    return saidOverGrpc(await grpc.send(path, Uint8Array.from(request), { headers: headersOf(key) }));
  },
};

export const CANCEL_DOORS: readonly CancelDoor[] = [...RPC_DOORS, ...DIALECT_DOORS, ZEEBE];

/** As RFC 8941 writes it. */
function headersOf(key: string | null): Record<string, string> {
  return key === null ? {} : { "idempotency-key": `"${key}"` };
}

function withCommandId(request: JsonObject, key: string | null): JsonObject {
  return key === null ? request : { ...request, commandId: key };
}

/** @param body null: none is sent */
async function sendJson(
  url: string,
  body: JsonObject | null,
  key: string | null,
  signal?: AbortSignal,
  method = "POST",
): Promise<Said> {
  const response = await fetch(url, {
    method,
    headers: { ...headersOf(key), ...(body !== null && { "content-type": "application/json" }) },
    ...(body !== null && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  return { status: response.status, body: await response.text() };
}

function saidOverGrpc({ error, body }: Answer): Said {
  if (error !== null) return { status: error.code, body: error.message };
  return { status: "ok", body: Buffer.from(body).toString("hex") };
}
