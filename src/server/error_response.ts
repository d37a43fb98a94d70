/** An error as a response, in the protocol that its client speaks. */
import { create, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import type { ConnectError } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { UniversalResponse } from "./write_response.ts";

/**
 * The response with which a unary call fails. gRPC and gRPC-Web, known by the request's content type, say it in trailers and always
 * with status 200; everybody else gets `status` and the Connect protocol's JSON.
 */
export function errorResponse(error: ConnectError, status: number, contentType: string | null): UniversalResponse {
  if (contentType?.startsWith("application/grpc-web") === true) {
    // Where there is no message, gRPC-Web sends its trailers as headers.
    return { status: 200, header: setTrailerStatus(new Headers({ "content-type": contentType }), error) };
  }
  if (contentType?.startsWith("application/grpc") === true) {
    return {
      status: 200,
      header: new Headers({ "content-type": contentType }),
      trailer: setTrailerStatus(new Headers(), error),
    };
  }
  return jsonErrorResponse(error, status);
}

/** The error as the Connect protocol's JSON, whatever the client speaks. */
export function jsonErrorResponse(error: ConnectError, status: number): UniversalResponse {
  const body = new TextEncoder().encode(JSON.stringify(errorJson(error)));
  const header = new Headers(error.metadata);
  header.set("content-type", "application/json");
  header.set("content-length", String(body.byteLength));
  return { status, header, body: createAsyncIterable([body]) };
}

/** https://connectrpc.com/docs/protocol/#error-end-stream */
export function errorJson(error: ConnectError): JsonValue {
  const details = error.details.map((detail) => {
    if (!("desc" in detail)) return { type: detail.type, value: base64Encode(detail.value, "std_raw") };
    const message = create(detail.desc, detail.value);
    return {
      type: detail.desc.typeName,
      value: base64Encode(toBinary(detail.desc, message), "std_raw"),
      debug: toJson(detail.desc, message),
    };
  });
  return { code: codeToString(error.code), message: error.rawMessage, ...(details.length > 0 && { details }) };
}
