/** Keeps web pages from reaching a server of this machine under a name of theirs that they point to it (DNS rebinding). */
import { problemOfError } from "../rest/problem.ts";
import type { RouteTable } from "../rest/route_table.ts";
import { failureToError } from "../rpc/errors.ts";
import { errorResponse } from "./error_response.ts";
import type { Exchange, NodeRequest, RequestHandler } from "./exchange.ts";
import { isLoopback } from "./loopback.ts";
import { restResponse } from "./rest_handler.ts";
import { writeResponse } from "./write_response.ts";

export interface LocalHostOptions {
  /** The address that the port is bound to, or its name. */
  readonly host: string;
  /** The routes that have a shape of their own for errors. Null: there are none. */
  readonly table: RouteTable | null;
  /** Asked for every request: false once credentials are asked for. */
  readonly isOn: () => boolean;
}

// Nobody needs to read a long one twice.
const MAX_NAMED_HOST = 100;

/**
 * Refuses requests to another host than this machine. Right where no credentials are asked for: then the browser of somebody who runs a
 * server is all that a page needs. A browser names the host that the page named; it can't be made to name another.
 */
export function createLocalHostHandler({ host, table, isOn }: LocalHostOptions): RequestHandler {
  const isLocal = (asked: string): boolean => {
    const name = nameOf(asked);
    return name === "localhost" || name.endsWith(".localhost") || isLoopback(name) || name === host.toLowerCase();
  };
  return (exchange) => {
    if (!isOn()) return undefined;
    const foreign = hostsOf(exchange.request).find((asked) => !isLocal(asked));
    return foreign === undefined ? undefined : refuse(exchange, foreign, table);
  };
}

/** The hosts that a request names. None: it is no browser's. */
function hostsOf(request: NodeRequest): string[] {
  const authority = "authority" in request ? request.authority : undefined;
  return [authority, request.headers.host].filter((asked) => asked !== undefined).filter((asked) => asked !== "");
}

/** "localhost" of "LocalHost.:8080", "::1" of "[::1]:8080". */
function nameOf(asked: string): string {
  const name = /^\[([^\]]*)\](?::\d*)?$/.exec(asked)?.[1] ?? asked.replace(/:\d*$/, "");
  return name.toLowerCase().replace(/\.$/, "");
}

async function refuse(exchange: Exchange, asked: string, table: RouteTable | null): Promise<void> {
  const { call, request, path } = exchange;
  const host = asked.slice(0, MAX_NAMED_HOST);
  const message =
    `this server needs no credentials, so it serves only those who ask for this machine: "localhost" or "127.0.0.1", not "${host}". ` +
    `To be reached under other names, it takes keys.`;
  const error = failureToError({ reason: "permission_denied", message, metadata: { host } }, null);
  call.error = error;
  const dialect = table?.find(request.method ?? "", path)?.dialect;
  if (dialect === undefined) {
    await writeResponse(exchange, errorResponse(error, 403, request.headers["content-type"] ?? null));
    return;
  }
  await writeResponse(exchange, restResponse(dialect.error({ ...problemOfError(error), status: 403 }, path)));
}
