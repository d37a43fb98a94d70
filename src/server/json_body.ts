/** The JSON body of a unary call, beside the message that Connect makes of it. */
import type { DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { diagnoseJson } from "../rpc/bad_json.ts";
import type { JsonBody } from "../rpc/json_body.ts";
import type { RequestBody } from "./request_body.ts";

/** Whether a request's body is Connect's unary JSON. */
export function isJson(header: Headers): boolean {
  return /^application\/json\b/i.test(header.get("content-type") ?? "");
}

/** Gives the JSON as it came, decompressed; null if it was not kept. */
export function jsonBody(body: RequestBody, header: Headers, maxBodyBytes: number): JsonBody {
  return async () => {
    const whole = body.whole();
    if (whole === null || header.get("content-encoding") !== compressionGzip.name) return whole;
    return compressionGzip.decompress(Uint8Array.from(whole), maxBodyBytes);
  };
}

/** What is wrong with a JSON body that Connect could not decode; null if `failure` has another cause. */
export async function diagnosis(
  method: DescMethod,
  failure: ConnectError,
  json: JsonBody,
): Promise<ConnectError | null> {
  // Connect says this also of a body that can't be decompressed, which fails again here.
  if (failure.code !== Code.InvalidArgument || !isUnary(method)) return null;
  const body = await json().catch(() => null);
  return body === null ? null : diagnoseJson(method, body);
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}
