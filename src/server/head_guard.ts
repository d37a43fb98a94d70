/** Refuses requests whose head is too large, or says two things at once. */
import { errorResponse } from "./error_response.ts";
import type { Exchange, NodeRequest, RequestHandler } from "./exchange.ts";
import type { Limits } from "./limits.ts";
import { malformed } from "./protocol_error.ts";
import { writeResponse } from "./write_response.ts";

interface Fault {
  readonly status: number;
  readonly message: string;
}

/** Node itself refuses what is far too large, without a word over HTTP/2. */
export function createHeadGuard(limits: Limits): RequestHandler {
  return (exchange) => {
    const fault = faultOf(exchange.request, limits);
    return fault === null ? undefined : refuse(exchange, fault);
  };
}

function faultOf({ rawHeaders }: NodeRequest, { maxHeaderBytes, maxHeaders }: Limits): Fault | null {
  const count = rawHeaders.length / 2;
  if (count > maxHeaders) {
    return { status: 431, message: `the request has ${count} headers, and this server accepts ${maxHeaders}` };
  }
  let size = 0;
  let hosts = 0;
  let isName = true;
  for (const text of rawHeaders) {
    size += text.length;
    if (isName && text.length === 4 && text.toLowerCase() === "host") hosts += 1;
    isName = !isName;
  }
  if (size > maxHeaderBytes) {
    return { status: 431, message: `the headers are larger than the ${maxHeaderBytes} bytes that this server accepts` };
  }
  return hosts > 1 ? { status: 400, message: "the request names more than one host" } : null;
}

async function refuse(exchange: Exchange, { status, message }: Fault): Promise<void> {
  const { call, request, response } = exchange;
  const error = malformed(message);
  call.error = error;
  if (request.httpVersionMajor < 2) response.setHeader("connection", "close");
  await writeResponse(exchange, errorResponse(error, status, request.headers["content-type"] ?? null));
}
