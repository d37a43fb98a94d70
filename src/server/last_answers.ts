/** The answers where no handler has one. */
import { Code, ConnectError } from "@connectrpc/connect";
import { failureToError } from "../rpc/errors.ts";
import { errorResponse } from "./error_response.ts";
import type { Exchange } from "./exchange.ts";
import { unknownMethod } from "./protocol_error.ts";
import { writeResponse } from "./write_response.ts";

// A path may be as long as all headers together; nobody needs to read it twice.
const MAX_PATH_LENGTH = 200;

/** No RPC and no route has this path. */
export async function answerNotFound(exchange: Exchange): Promise<void> {
  const path = exchange.path.slice(0, MAX_PATH_LENGTH);
  await answer(exchange, unknownMethod(`there is no RPC and no route at ${path}`), 404);
}

/** A handler failed where none should. The caller learns no more than where to look. */
export async function answerFault(exchange: Exchange, reason: unknown): Promise<void> {
  const { requestId } = exchange;
  const message = `internal error; the server's log tells more under request id ${requestId}`;
  const metadata = { request_id: requestId };
  await answer(exchange, failureToError({ reason: "internal", message, metadata }, null), 500);
  exchange.call.error = ConnectError.from(reason, Code.Internal);
}

async function answer(exchange: Exchange, error: ConnectError, status: number): Promise<void> {
  exchange.call.error = error;
  await writeResponse(exchange, errorResponse(error, status, exchange.request.headers["content-type"] ?? null));
}
