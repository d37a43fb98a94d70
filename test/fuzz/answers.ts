/** Whether an answer is one that the door may give. */
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import type { Dialect } from "../../src/rest/dialect.ts";
import { problemOf } from "../../src/rest/problem.ts";
import type { Call } from "./calls.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

// INTERNAL, UNKNOWN, DATA_LOSS: whatever is sent, it must not be the server's fault.
const FAULTS = new Set(["2", "13", "15"]);
const FAULT_NAMES = new Set(["internal", "unknown", "data_loss"]);

/** What is wrong with the answer; null if nothing is. */
export function faultOf(call: Call, answer: Answer): string | null {
  const { status, headers } = answer;
  if (status === 500) return "a fault: 500";
  if (headers["x-request-id"] === undefined) return faultOfUnread(call, answer);
  const type = headers["content-type"] ?? "";
  if (call.method === "HEAD" || status === 204 || status === 304) return bodyOfNone(answer);
  if (type.startsWith("application/grpc")) return faultOfGrpc(call, answer, type);
  if (type.startsWith("application/connect")) return faultOfConnectStream(answer);
  if (type === "application/proto") return faultOfProto(call, unzipped(answer));
  if (/^application\/(problem\+)?json/.test(type)) return faultOfJson(call, unzipped(answer));
  return answer.body.length === 0 && call.method === "OPTIONS" ? null : `content type "${type}"`;
}

/** What could not be read as a request has no id and no door; its connection ends. */
function faultOfUnread({ method }: Call, { headers, status, body }: Answer): string | null {
  if (headers["connection"] !== "close" || ![400, 408, 413, 431].includes(status)) return "no x-request-id";
  if (method === "HEAD") return null;
  return typeof memberOf(parse(body), "code") === "string" ? null : "no error of Connect";
}

function bodyOfNone({ body }: Answer): string | null {
  return body.length === 0 ? null : "a body where none may be";
}

function faultOfGrpc(call: Call, { status, headers, trailers, body }: Answer, type: string): string | null {
  if (status !== 200) return `gRPC with status ${status}`;
  const envelopes = readEnvelopes(body);
  if (envelopes === null) return "frames of gRPC that do not parse";
  const inBody = envelopes.findLast(({ flag }) => (flag & 0x80) !== 0)?.message.toString("latin1");
  const code = trailers["grpc-status"] ?? headers["grpc-status"] ?? /^grpc-status: *(\d+)/im.exec(inBody ?? "")?.[1];
  if (code === undefined) return "no grpc-status";
  if (!/^(\d|1[0-6])$/.test(code)) return `grpc-status "${code}"`;
  if (FAULTS.has(code)) return `a fault: grpc-status ${code}`;
  if (code !== "0" || call.rpc === null || type.includes("json")) return null;
  const messages = envelopes.filter(({ flag }) => flag === 0);
  return messages.map(({ message }) => decodeFault(call, message)).find((fault) => fault !== null) ?? null;
}

function faultOfConnectStream({ body }: Answer): string | null {
  const envelopes = readEnvelopes(body);
  const last = envelopes?.at(-1);
  if (last === undefined || (last.flag & 2) === 0) return "a stream of Connect without its end";
  const end = parse(last.message);
  if (end === undefined) return "an end of a stream that is no JSON";
  const code = memberOf(memberOf(end, "error"), "code");
  return typeof code === "string" && FAULT_NAMES.has(code) ? `a fault: ${code}` : null;
}

function faultOfProto(call: Call, { status, body }: Answer): string | null {
  return status === 200 ? decodeFault(call, body) : `protobuf with status ${status}`;
}

function unzipped(answer: Answer): Answer {
  return answer.headers["content-encoding"] === "gzip" ? { ...answer, body: gunzipSync(answer.body) } : answer;
}

function faultOfJson(call: Call, { status, body }: Answer): string | null {
  const json = parse(body);
  if (json === undefined) return "a body that is no JSON";
  if (status < 400) return null;
  if (call.dialect !== null) return faultOfShape(sampleError(call.dialect, call.path), json);
  const code = memberOf(json, "code");
  if (typeof code === "string" && FAULT_NAMES.has(code)) return `a fault: ${code}`;
  // A path that chance has changed may still be that of a dialect.
  return call.rpc === null || typeof code === "string" ? null : "an error of Connect without a code";
}

function sampleError(dialect: Dialect, path: string): unknown {
  return dialect.error(problemOf("invalid_request", "a sample"), path.split("?", 1)[0] ?? "").body;
}

/** Every error of a dialect has the members that this one has. */
function faultOfShape(sample: unknown, json: unknown): string | null {
  const missing = Object.keys(Object(sample)).filter((name) => !Object.hasOwn(Object(json), name));
  return missing.length === 0 ? null : `an error without ${missing.join(", ")}`;
}

function decodeFault({ rpc }: Call, message: Buffer): string | null {
  if (rpc === null) return null;
  try {
    fromBinary(rpc.output, message);
    return null;
  } catch (error) {
    return `a message that does not decode: ${String(error)}`;
  }
}

interface Envelope {
  readonly flag: number;
  readonly message: Buffer;
}

function readEnvelopes(body: Buffer): readonly Envelope[] | null {
  const envelopes: Envelope[] = [];
  let at = 0;
  while (at < body.length) {
    if (at + 5 > body.length) return null;
    const end = at + 5 + body.readUInt32BE(at + 1);
    if (end > body.length) return null;
    const flag = body.readUInt8(at);
    const message = body.subarray(at + 5, end);
    const isZipped = (flag & 1) !== 0;
    envelopes.push({ flag: isZipped ? flag - 1 : flag, message: isZipped ? gunzipSync(message) : message });
    at = end;
  }
  return envelopes;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function memberOf(json: unknown, name: string): unknown {
  return typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
}
