/** The two doors, as bare as their wire allows: what goes in is exactly what the test says, what comes out is all that was sent. */
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { pathOf, rpcNamed } from "./rpcs.ts";

/** How a call ended. */
export interface Answer {
  /** The HTTP status; null over gRPC, where it is always 200. */
  readonly status: number | null;
  /** Header and trailer fields. */
  readonly field: (name: string) => string | null;
  /** The response message as it stood on the wire. */
  readonly body: Uint8Array;
  /** Null if the call succeeded. */
  readonly error: Failure | null;
}

interface Failure {
  /** As the Connect protocol writes it: "not_found". */
  readonly code: string;
  readonly message: string;
  /** Of google.rpc.ErrorInfo. */
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of google.rpc.BadRequest: what is wrong, by field. */
  readonly violations: Readonly<Record<string, string>>;
  /** Of google.rpc.ResourceInfo: "type name"; null without one. */
  readonly resource: string | null;
  /** Of google.rpc.RetryInfo, in seconds; null without one. */
  readonly retryAfter: number | null;
}

interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** In milliseconds. Sent to the server; the client itself waits as long as it takes. */
  readonly timeout?: number;
}

export interface Door {
  readonly name: string;
  /** Calls a unary RPC with a request in protobuf JSON. */
  call(rpc: string, request: JsonObject, options?: CallOptions): Promise<Answer>;
  /** Sends any bytes to any path. */
  send(path: string, request: Uint8Array<ArrayBuffer>, options?: CallOptions): Promise<Answer>;
  /** What a successful answer says, as a message. */
  read<D extends DescMessage>(schema: D, answer: Answer): MessageShape<D>;
  close(): void;
}

/** HTTP/JSON, as `fetch` sends it. */
export function httpDoor(url: string): Door {
  const send: Door["send"] = async (path, request, { headers = {}, timeout } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(timeout !== undefined && { "connect-timeout-ms": String(timeout) }),
        ...headers,
      },
      body: request,
    });
    return answerOf(response);
  };
  return {
    name: "HTTP/JSON",
    call: (rpc, request, options) =>
      send(pathOf(rpcNamed(rpc)), new TextEncoder().encode(JSON.stringify(request)), options),
    send,
    read: (schema, { body }) => fromJson(schema, JSON.parse(new TextDecoder().decode(body))),
    close: () => {},
  };
}

/** The answer to any request over HTTP/JSON. */
export async function answerOf(response: Response): Promise<Answer> {
  const body = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    field: (name) => response.headers.get(name),
    body,
    error: response.ok ? null : failureOfJson(new TextDecoder().decode(body)),
  };
}

/** gRPC, as @grpc/grpc-js sends it. */
export function grpcDoor(url: string): Door {
  const client = new Client(new URL(url).host, credentials.createInsecure());
  const send: Door["send"] = (path, request, { headers = {}, timeout } = {}) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    // Not the client's own deadline: it would answer before the server does.
    if (timeout !== undefined) metadata.set("grpc-timeout", `${timeout}m`);
    const trailers = new Metadata();
    return new Promise((done) => {
      const asIs = (bytes: Buffer): Buffer => bytes;
      const call = client.makeUnaryRequest(
        path,
        asIs,
        asIs,
        Buffer.from(request),
        metadata,
        (error: ServiceError | null, answer?: Buffer) => {
          if (error !== null) trailers.merge(error.metadata);
          done({
            status: null,
            field: (name) => trailers.get(name)[0]?.toString() ?? null,
            body: answer ?? new Uint8Array(),
            error: error === null ? null : failureOfGrpc(error),
          });
        },
      );
      call.on("metadata", (fields) => trailers.merge(fields));
    });
  };
  return {
    name: "gRPC",
    call(rpc, request, options) {
      const method = rpcNamed(rpc);
      const message = fromJson(method.input, request);
      return send(pathOf(method), Uint8Array.from(toBinary(method.input, message)), options);
    },
    send,
    read: (schema, { body }) => fromBinary(schema, body),
    close: () => client.close(),
  };
}

function failureOfJson(text: string): Failure {
  const {
    code,
    message,
    details = [],
  } = JSON.parse(text) as {
    code: string;
    message: string;
    details?: { type: string; value: string }[];
  };
  return {
    code,
    message,
    ...read(new Map(details.map(({ type, value }) => [type, Buffer.from(value, "base64")]))),
  };
}

function failureOfGrpc({ code, details: message, metadata }: ServiceError): Failure {
  const [encoded] = metadata.get("grpc-status-details-bin");
  const { details } = fromBinary(StatusSchema, encoded instanceof Buffer ? encoded : Buffer.alloc(0));
  const byType = new Map(details.map(({ typeUrl, value }) => [typeUrl.replace(/^.*\//, ""), value]));
  return { code: codeToString(code as number as Code), message, ...read(byType) };
}

function read(details: ReadonlyMap<string, Uint8Array>): Omit<Failure, "code" | "message"> {
  const detail = <D extends DescMessage>(schema: D): MessageShape<D> | null => {
    const bytes = details.get(schema.typeName);
    return bytes === undefined ? null : fromBinary(schema, bytes);
  };
  const info = detail(ErrorInfoSchema);
  const { fieldViolations = [] } = detail(BadRequestSchema) ?? {};
  const resource = detail(ResourceInfoSchema);
  const retry = detail(RetryInfoSchema);
  return {
    reason: info?.reason ?? "",
    domain: info?.domain ?? "",
    metadata: info?.metadata ?? {},
    violations: Object.fromEntries(fieldViolations.map(({ field, description }) => [field, description])),
    resource: resource === null ? null : `${resource.resourceType} ${resource.resourceName}`,
    retryAfter: retry === null ? null : Number(retry.retryDelay?.seconds),
  };
}
