/** Answers what can't be read as a request of HTTP/1.1, or did not come in time, before it ends the connection. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ConnectError } from "@connectrpc/connect";
import { failureToError } from "../rpc/errors.ts";
import { errorJson } from "./error_response.ts";
import { answersUnderWay } from "./pipelining.ts";
import { malformed } from "./protocol_error.ts";
import { securityHeaders } from "./security_headers.ts";

interface Unreadable {
  readonly status: number;
  readonly error: ConnectError;
}

/** For the event `clientError` of Node's servers. */
export function answerUnreadable(reason: Error, socket: Duplex): void {
  const unreadable = explain(reason);
  // In the middle of another answer it would only be taken for a part of that.
  const isFree = answersUnderWay(socket).every((response) => !response.headersSent);
  if (unreadable !== null && socket.writable && isFree) {
    socket.write(answerOf(unreadable, socket), () => socket.destroy());
    return;
  }
  socket.destroy();
}

/** Null where nobody is left who could read an answer, or who speaks HTTP at all. */
function explain(reason: Error): Unreadable | null {
  const code = "code" in reason && typeof reason.code === "string" ? reason.code : "";
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, error: malformed("the headers are larger than this server accepts") };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, error: malformed("the extensions of the chunks are larger than this server accepts") };
    case "ERR_HTTP_REQUEST_TIMEOUT": {
      const message = "the request did not arrive in time";
      return { status: 408, error: failureToError({ reason: "deadline_exceeded", message }, null) };
    }
    default: {
      if (!code.startsWith("HPE_")) return null;
      const why = "reason" in reason && typeof reason.reason === "string" ? `: ${reason.reason}` : "";
      return { status: 400, error: malformed(`this is no request of HTTP/1.1${why}`) };
    }
  }
}

function answerOf({ status, error }: Unreadable, socket: Duplex): string {
  const body = JSON.stringify(errorJson(error));
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...securityHeaders("encrypted" in socket && socket.encrypted === true),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`;
}
