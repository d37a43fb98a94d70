/** Answers of calls in a lane, made as Connect's handlers make them. */
import type { ConnectError } from "@connectrpc/connect";
import { type Compression, compressedFlag, mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes, trailerMux } from "@connectrpc/connect/protocol-connect";
import { grpcStatusOk, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { encodeGrpcMessage } from "./grpc_message.ts";
import type { Additions } from "./lane_context.ts";
import { type LaneWire, PREFIX_BYTES } from "./lane_request.ts";
import type { WholeResponse } from "./write_response.ts";

export interface AnswerOptions {
  readonly wire: LaneWire;
  /** How the client takes answers compressed; null: it does not. */
  readonly compression: Compression | null;
  /** What the handler adds. */
  readonly additions: Additions;
}

/**
 * From how many bytes on an answer is compressed for clients that take it so. Below, compressing takes as long as all the rest of the
 * call, and saves two packets.
 */
export const COMPRESS_FROM_BYTES = 4 * 1024;

const CONTENT_TYPES: Readonly<Record<LaneWire, string>> = {
  grpc: "application/grpc+proto",
  connect_proto: "application/proto",
  connect_json: "application/json",
};

/** The answer with the encoded message. */
export async function messageAnswer(message: Uint8Array, options: AnswerOptions): Promise<WholeResponse> {
  const { wire, additions } = options;
  const { data, encoding } = await compressed(message, options);
  if (wire !== "grpc") return connectAnswer(200, CONTENT_TYPES[wire], data, encoding, options);
  const trailer = namesAndValues(additions.trailer, { "grpc-status": grpcStatusOk });
  return { status: 200, header: grpcHeader(options), body: envelopeOf(data, encoding !== null), trailer };
}

/** @param status the HTTP status that the contract documents for the error; undefined: that of its code */
export async function errorAnswer(
  error: ConnectError,
  status: number | undefined,
  options: AnswerOptions,
): Promise<WholeResponse> {
  const { wire, additions } = options;
  if (wire === "grpc") {
    const status = setTrailerStatus(new Headers(additions.trailer ?? []), error);
    const trailer = encodeGrpcMessage(Object.fromEntries(status));
    return { status: 200, header: grpcHeader(options), body: null, trailer };
  }
  additions.header ??= new Headers();
  mergeNonProtocolHeaders(additions.header, error.metadata);
  const { data, encoding } = await compressed(errorToJsonBytes(error, undefined), options);
  return connectAnswer(status ?? codeToHttpStatus(error.code), CONTENT_TYPES.connect_json, data, encoding, options);
}

/** @param encoding null: as it is */
export async function compressed(
  data: Uint8Array,
  { compression }: AnswerOptions,
): Promise<{ readonly data: Uint8Array; readonly encoding: string | null }> {
  if (compression === null || data.byteLength < COMPRESS_FROM_BYTES) return { data, encoding: null };
  return { data: await compression.compress(new Uint8Array(data)), encoding: compression.name };
}

/** A message of gRPC as it goes over the wire. */
export function envelopeOf(data: Uint8Array, isCompressed: boolean): Uint8Array {
  const envelope = Buffer.allocUnsafe(PREFIX_BYTES + data.byteLength);
  envelope[0] = isCompressed ? compressedFlag : 0;
  envelope.writeUInt32BE(data.byteLength, 1);
  envelope.set(data, PREFIX_BYTES);
  return envelope;
}

/** gRPC names the compression whether it comes to it or not: each message says whether it is compressed. */
export function grpcHeader({ compression, additions }: AnswerOptions): Record<string, string> {
  const own = { "content-type": CONTENT_TYPES.grpc };
  return namesAndValues(additions.header, compression === null ? own : { ...own, "grpc-encoding": compression.name });
}

function connectAnswer(
  status: number,
  contentType: string,
  body: Uint8Array,
  encoding: string | null,
  { additions }: AnswerOptions,
): WholeResponse {
  const { header, trailer } = additions;
  const own = {
    ...(encoding !== null && { "content-encoding": encoding }),
    "content-length": String(body.byteLength),
    "content-type": contentType,
  };
  const added = trailer === null ? header : trailerMux(header ?? new Headers(), trailer);
  return { status, header: namesAndValues(added, own), body, trailer: null };
}

/** @param own in alphabetical order, as all of them come out where a handler added some */
function namesAndValues(added: Headers | null, own: Record<string, string>): Record<string, string> {
  if (added === null) return own;
  const all = new Headers(added);
  for (const [name, value] of Object.entries(own)) all.set(name, value);
  return Object.fromEntries(all);
}
