/** Finds the route of a request among the dialects, and answers it in its dialect's shape. */
import { ConnectError, type ContextValues } from "@connectrpc/connect";
import { Refused } from "../domain/refusal.ts";
import type { Caller } from "../gate/identity.ts";
import type { Peer } from "../gate/peer.ts";
import { beginAuditTrail, isRecorded } from "../rpc/audit_trail.ts";
import { callerKey } from "../rpc/caller.ts";
import { failureToError, refusalToError } from "../rpc/errors.ts";
import { type RefusalSink, recordRefusal } from "../rpc/refusal_entry.ts";
import type { AuditTrail } from "../service/service.ts";
import { authenticate } from "./authenticate.ts";
import { readBody } from "./body.ts";
import type { Dialect, RestContext, RestResponse } from "./dialect.ts";
import { type Problem, problemOf, problemOfError } from "./problem.ts";
import type { FoundRoute, RouteTable } from "./route_table.ts";

/** A request as it came in. */
interface IncomingRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** With `x-request-id`. */
  readonly headers: Headers;
  /** Reads the whole body as it was sent. Rejects with a ConnectError if it is too large or does not arrive. */
  readonly readBody: () => Promise<Uint8Array>;
  readonly signal: AbortSignal;
  readonly peer: Peer;
  /** Where the router leaves who called. */
  readonly values: ContextValues;
}

export interface RestRouterOptions extends RestContext {
  readonly dialects: readonly Dialect[];
  /** The routes of the dialects. */
  readonly table: RouteTable;
  /** Whether `?access_token=` counts. It ends up in logs and histories, so it has to be asked for. */
  readonly accessTokenInQuery: boolean;
  /** Where refused cancels are written down. */
  readonly refusals: RefusalSink;
  /** Told of faults, with the request id. */
  readonly onFault: (error: unknown, requestId: string) => void;
}

/** Answers a request; null if no dialect has its path. */
export type RestRouter = (request: IncomingRequest) => Promise<RestResponse> | null;

interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

// A path may be as long as all headers together; nobody needs to read it twice.
const MAX_NAMED_PATH = 200;

export function createRestRouter(options: RestRouterOptions): RestRouter {
  const { dialects, table } = options;
  return (request) => {
    const target = targetOf(request.target);
    const { path } = target;
    const found = table.find(request.method, path);
    if (found !== null) return answer(found, target, request, options);
    const allowed = table.methodsAt(path);
    const dialect = dialectOf(path, allowed[0] === undefined ? null : table.find(allowed[0], path), dialects);
    if (dialect === null) return null;
    const problem = notRouted(path, request.method, allowed);
    return Promise.resolve({ ...dialect.error(problem, path), problem });
  };
}

async function answer(
  found: FoundRoute,
  { path, query }: Target,
  request: IncomingRequest,
  options: RestRouterOptions,
): Promise<RestResponse> {
  const { dialect, route, params } = found;
  const { method, headers, signal, peer, values } = request;
  const shown = options.accessTokenInQuery ? query : withoutAccessToken(query);
  try {
    const onRecognized = (recognized: Caller): unknown => values.set(callerKey, recognized);
    const { caller, standing } = await authenticate(found, headers, shown, { peer, onRecognized }, options.gate);
    const bytes = route.body === "none" ? new Uint8Array() : await request.readBody();
    const read = readBody(route, headers, bytes);
    if ("problem" in read) return await refuse(found, read.problem, path, request, options);
    const beginAudit = (): AuditTrail => beginAuditTrail(actionOf(found), { values, requestHeader: headers });
    const scope = { values, header: headers, signal };
    const answer = await route.handle(
      { method, path, params, query, headers, body: read.body, caller, peer, scope, beginAudit },
      options,
    );
    const standingHeaders = standing === null ? {} : dialect.standingHeaders?.(standing);
    return { status: route.success, ...answer, headers: { ...standingHeaders, ...answer.headers } };
  } catch (cause) {
    return refuse(found, problemOfError(errorOf(cause, request, options)), path, request, options);
  }
}

/** Answers a problem. A refused cancel is written down, unless the store did so when it decided it. */
async function refuse(
  { dialect, route, params }: FoundRoute,
  problem: Problem,
  path: string,
  { headers, values, peer: { address } }: IncomingRequest,
  { refusals }: RestRouterOptions,
): Promise<RestResponse> {
  if (route.audited !== undefined && !isRecorded(values)) {
    const caller = values.get(callerKey);
    await recordRefusal(refusals, {
      subject: { ...route.audited(params), reason: "", requestedBy: "" },
      // Behind the gate a caller has the address of its peer; the default has none.
      caller: caller.address === "" ? null : caller,
      address,
      requestId: headers.get("x-request-id") ?? "",
      refusal: problem,
    });
  }
  return { ...dialect.error(problem, path), problem };
}

function actionOf({ route, params }: FoundRoute): string {
  return route.audited?.(params).action ?? `${route.method} ${route.path}`;
}

function withoutAccessToken(query: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(query);
  rest.delete("access_token");
  return rest;
}

function errorOf(cause: unknown, { headers }: IncomingRequest, { onFault }: RestRouterOptions): ConnectError {
  if (cause instanceof ConnectError) return cause;
  if (cause instanceof Refused) return refusalToError(cause.refusal, null);
  const requestId = headers.get("x-request-id") ?? "";
  onFault(cause, requestId);
  const message = `internal error; the server's log tells more under request id ${requestId}`;
  return failureToError({ reason: "internal", message, metadata: { request_id: requestId } }, null);
}

function notRouted(path: string, method: string, allowed: readonly string[]): Problem {
  if (!isDecodable(path)) {
    return problemOf("invalid_request", "the path is not percent-encoded UTF-8", { status: 400 });
  }
  if (allowed.length === 0) {
    return problemOf("unknown_method", `there is no route at ${path.slice(0, MAX_NAMED_PATH)}`, { status: 404 });
  }
  const allow = allowed.join(", ");
  return problemOf("unknown_method", `this route takes ${allow}, not ${method}`, { status: 405, headers: { allow } });
}

/** The router finds nothing at a path that it can't decode. */
function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** Whose shape an error at this path has: that of the route with another method, or of the dialect with the longest prefix. */
function dialectOf(path: string, found: FoundRoute | null, dialects: readonly Dialect[]): Dialect | null {
  if (found !== null) return found.dialect;
  let best: { readonly dialect: Dialect; readonly length: number } | null = null;
  for (const dialect of dialects) {
    for (const prefix of dialect.prefixes) {
      if (path.startsWith(prefix) && prefix.length > (best?.length ?? 0)) best = { dialect, length: prefix.length };
    }
  }
  return best?.dialect ?? null;
}

/** Split by hand: a URL parser refuses some targets, and rewrites others. */
function targetOf(target: string): Target {
  // A proxy may be asked with the whole URL.
  const relative = target.startsWith("/") ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
  const [path = ""] = relative.split("?", 1);
  return { path, query: new URLSearchParams(relative.slice(path.length)) };
}
