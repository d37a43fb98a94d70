/** Finds the route of a request among the dialects, and answers it in its dialect's shape. */
import { ConnectError } from "@connectrpc/connect";
import FindMyWay, { type HTTPMethod } from "find-my-way";
import { Refused } from "../domain/refusal.ts";
import { refusalToError } from "../rpc/errors.ts";
import { authenticate } from "./authenticate.ts";
import { readBody } from "./body.ts";
import type { Dialect, RestContext, RestResponse, Route } from "./dialect.ts";
import { type Problem, problemOf, problemOfError } from "./problem.ts";

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
}

export interface RestRouterOptions extends RestContext {
  readonly dialects: readonly Dialect[];
  /** Told of faults, with the request id. */
  readonly onFault: (error: unknown, requestId: string) => void;
}

/** Answers a request; null if no dialect has its path. */
export type RestRouter = (request: IncomingRequest) => Promise<RestResponse> | null;

interface Found {
  readonly dialect: Dialect;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Longer than any head that the port takes: what is too long for an id is for the contract's rules to say. */
const MAX_PARAM_LENGTH = 64 * 1024;
const METHODS = ["GET", "POST", "PUT"] as const satisfies readonly HTTPMethod[];

// A path may be as long as all headers together; nobody needs to read it twice.
const MAX_NAMED_PATH = 200;

export function createRestRouter(options: RestRouterOptions): RestRouter {
  const { dialects } = options;
  const routes = new Map<unknown, { readonly dialect: Dialect; readonly route: Route }>();
  const table = FindMyWay({ maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false });
  for (const dialect of dialects) {
    for (const route of dialect.routes) {
      // The router gives back the handler that it was given: an identity for the route.
      const identity = (): void => undefined;
      routes.set(identity, { dialect, route });
      table.on(route.method, route.path, identity);
    }
  }

  const find = (method: HTTPMethod, path: string): Found | null => {
    const found = table.find(method, path);
    const entry = found === null ? undefined : routes.get(found.handler);
    if (found === null || entry === undefined) return null;
    const params = Object.fromEntries(Object.entries(found.params).map(([name, value]) => [name, value ?? ""]));
    return { ...entry, params };
  };

  return (request) => {
    const target = targetOf(request.target);
    const { path } = target;
    const method = METHODS.find((known) => known === request.method);
    const found = method === undefined ? null : find(method, path);
    if (found !== null) return answer(found, target, request, options);
    const allowed = METHODS.filter((other) => find(other, path) !== null);
    const dialect = dialectOf(path, allowed[0] === undefined ? null : find(allowed[0], path), dialects);
    return dialect === null ? null : Promise.resolve(dialect.error(notRouted(path, request.method, allowed), path));
  };
}

async function answer(
  { dialect, route, params }: Found,
  { path, query }: Target,
  request: IncomingRequest,
  options: RestRouterOptions,
): Promise<RestResponse> {
  const { method, headers, signal } = request;
  try {
    const caller = await authenticate(dialect, route, headers, query, options.keys);
    const bytes = route.body === "none" ? new Uint8Array() : await request.readBody();
    const read = readBody(route, headers, bytes);
    if ("problem" in read) return dialect.error(read.problem, path);
    const scope = { caller, header: headers, signal };
    const answer = await route.handle({ method, path, params, query, headers, body: read.body, scope }, options);
    return { status: route.success, ...answer };
  } catch (error) {
    return dialect.error(problemOfFailure(error, request, options), path);
  }
}

function problemOfFailure(error: unknown, { headers }: IncomingRequest, { onFault }: RestRouterOptions): Problem {
  if (error instanceof ConnectError) return problemOfError(error);
  if (error instanceof Refused) return problemOfError(refusalToError(error.refusal, null));
  const requestId = headers.get("x-request-id") ?? "";
  onFault(error, requestId);
  return problemOf("internal", `internal error; the server's log tells more under request id ${requestId}`, {
    metadata: { request_id: requestId },
  });
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
function dialectOf(path: string, found: Found | null, dialects: readonly Dialect[]): Dialect | null {
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
