/** Serves the REST dialects: from the connection to their router, and back. */
import { ConnectError, createContextValues } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import type { RestResponse } from "../rest/dialect.ts";
import type { RestRouter } from "../rest/rest_router.ts";
import { failureToError } from "../rpc/errors.ts";
import { type Exchange, headersOf, type RequestHandler } from "./exchange.ts";
import type { Limits } from "./limits.ts";
import { requestBody } from "./request_body.ts";
import { type UniversalResponse, writeResponse } from "./write_response.ts";

export function createRestHandler(router: RestRouter, limits: Limits): RequestHandler {
  return (exchange) => {
    const { request, signal, call } = exchange;
    const values = createContextValues();
    const answer = router({
      method: request.method ?? "",
      target: request.url ?? "",
      headers: headersOf(exchange),
      readBody: () => readWhole(exchange, limits),
      signal,
      peer: exchange.peer,
      values,
    });
    if (answer === null) return undefined;
    call.values = values;
    return answer.then((response) => {
      const { problem } = response;
      if (problem !== undefined) call.error = new ConnectError(problem.message, problem.code);
      return writeResponse(exchange, restResponse(response));
    });
  };
}

async function readWhole({ request, signal }: Exchange, limits: Limits): Promise<Uint8Array> {
  const { maxBodyBytes, requestTimeout } = limits;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of requestBody(request, {
    signal: () => signal,
    timeout: requestTimeout,
    timed: "whole",
    keep: false,
  })) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) {
      const message = `the request body is larger than the ${maxBodyBytes} bytes that this server accepts`;
      throw failureToError({ reason: "body_too_large", message }, null);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The answer of a dialect, ready to be written. */
export function restResponse({ status, headers = {}, body }: RestResponse): UniversalResponse {
  const header = new Headers(headers);
  if (body === undefined) return { status, header };
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  if (!header.has("content-type")) header.set("content-type", "application/json");
  header.set("content-length", String(bytes.byteLength));
  return { status, header, body: createAsyncIterable([bytes]) };
}
