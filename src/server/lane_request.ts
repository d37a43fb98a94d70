/** Requests as the lanes take them: which ones they are, and the messages that they hold. */
import { type DescMethodUnary, fromJsonString, type Message } from "@bufbuild/protobuf";
import type { MethodSerializationLookup } from "@connectrpc/connect/protocol";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import type { Millis } from "../domain/time.ts";
import type { NodeRequest } from "./exchange.ts";

/** gRPC; or Connect's unary calls, in protobuf or in JSON. */
export type LaneWire = "grpc" | "connect_proto" | "connect_json";

const WIRES: ReadonlyMap<string | undefined, LaneWire> = new Map([
  ["application/grpc", "grpc"],
  ["application/grpc+proto", "grpc"],
  ["application/proto", "connect_proto"],
  ["application/json", "connect_json"],
]);

// What URLs are made of where nothing is odd about them.
const ORDINARY_HOST = /^[a-zA-Z0-9.-]+(:\d{1,5})?$/;

/** The wire of a request that the lane serves; null for one that is out of the ordinary, which Connect judges. */
export function laneWireOf(request: NodeRequest): LaneWire | null {
  const { headers, method, url = "" } = request;
  const wire = WIRES.get(headers["content-type"]);
  if (wire === undefined || method !== "POST" || !url.startsWith("/")) return null;
  if (wire === "grpc" && request.httpVersionMajor < 2) return null;
  const host = "authority" in request ? request.authority : headers.host;
  if (host !== undefined && !ORDINARY_HOST.test(host)) return null;
  const encoding = headers[wire === "grpc" ? "grpc-encoding" : "content-encoding"];
  return encoding === undefined || encoding === "identity" ? wire : null;
}

/** The caller's deadline; null: it sets none. Undefined: what it sets is none. */
export function timeoutOf(wire: LaneWire, header: Headers): Millis | null | undefined {
  const { timeoutMs, error } =
    wire === "grpc"
      ? parseGrpcTimeout(header.get("grpc-timeout"), Number.MAX_SAFE_INTEGER)
      : parseConnectTimeout(header.get("connect-timeout-ms"), Number.MAX_SAFE_INTEGER);
  return error === undefined ? (timeoutMs ?? null) : undefined;
}

/** Of every message of gRPC: one byte of flags, four of its length. */
export const PREFIX_BYTES = 5;

/** The message that a whole body holds; null if it can't be read as one, or not without a closer look. */
export function messageOf(
  wire: LaneWire,
  body: Uint8Array,
  method: Pick<DescMethodUnary, "input">,
  serialization: MethodSerializationLookup<DescMethodUnary["input"], DescMethodUnary["output"]>,
): Message | null {
  try {
    switch (wire) {
      case "grpc":
        return isOneMessage(body) ? serialization.getI(true).parse(body.subarray(PREFIX_BYTES)) : null;
      case "connect_proto":
        return serialization.getI(true).parse(body);
      case "connect_json":
        // Without unknown fields, and without names that an enum does not have: Connect would pass over both.
        return fromJsonString(method.input, new TextDecoder().decode(body), { ignoreUnknownFields: false });
    }
  } catch {
    // Connect's own lane finds the same, and says it.
    return null;
  }
}

function isOneMessage(body: Uint8Array): boolean {
  if (body.byteLength < PREFIX_BYTES || body[0] !== 0) return false;
  const { buffer, byteOffset, byteLength } = body;
  return new DataView(buffer, byteOffset, byteLength).getUint32(1) === byteLength - PREFIX_BYTES;
}
