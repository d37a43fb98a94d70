/** Stands before all doors: lets a call pass, or refuses it, by nothing but its path. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { RouteTable } from "../rest/route_table.ts";
import { type Rank, rankOf } from "../rpc/rank.ts";
import type { Admission } from "./admission.ts";
import { type Exchange, isEncrypted, type RequestHandler } from "./exchange.ts";
import { overloadedError, overloadedRouteAnswer, overloadedRpcAnswers, type ReadyAnswer } from "./overloaded_answer.ts";
import { securityHeaders } from "./security_headers.ts";
import { createTurns } from "./turns.ts";
import { discardRest } from "./write_response.ts";

/** A call that was refused. */
export interface ShedCall {
  readonly exchange: Exchange;
  /** The RPC; null if it came by a route. */
  readonly method: DescMethod | null;
  readonly rank: Rank;
}

export interface AdmissionHandlerOptions {
  readonly admission: Admission;
  /** Those whose RPCs have a rank. All others are never refused here. */
  readonly services: readonly DescService[];
  /** Null: there are no routes. */
  readonly table: RouteTable | null;
  /** Told of each call that is refused. Must cost next to nothing. */
  readonly onShed: (call: ShedCall) => void;
}

/**
 * Throws if the contract gives an RPC of the services no rank.
 *
 * @param next answers what is admitted
 */
export function createAdmissionHandler(
  { admission, services, table, onShed }: AdmissionHandlerOptions,
  next: RequestHandler,
): RequestHandler {
  const rpcs = new Map(services.flatMap(({ methods }) => methods.map((method) => [pathOf(method), rankedRpc(method)])));
  const answerOf = overloadedRpcAnswers();
  const turns = createTurns();

  /** @param streams a stream has little to do at once: it begins right away, and once it has begun to answer it only waits for more to come */
  const admit = (exchange: Exchange, rank: Rank, streams: boolean, leave: () => void): ReturnType<RequestHandler> => {
    exchange.response.on("close", leave);
    if (streams) exchange.call.onBegun = leave;
    return rank === "list" && !streams ? turns.take().then(() => next(exchange)) : next(exchange);
  };

  return (exchange) => {
    const { path, request } = exchange;
    const rpc = rpcs.get(path);
    const found = rpc === undefined ? (table?.find(request.method ?? "", path) ?? null) : null;
    const rank = rpc?.rank ?? found?.route.rank;
    // What has no path here costs no less to refuse than to answer.
    if (rank === undefined) return next(exchange);
    const leave = admission.enter(rank);
    if (leave !== null) return admit(exchange, rank, rpc?.streams === true, leave);
    onShed({ exchange, method: rpc?.method ?? null, rank });
    exchange.call.rpc = rpc?.name;
    if (rpc !== undefined) return refuse(exchange, answerOf(rpc.method, request.headers["content-type"] ?? ""));
    if (found !== null) return refuse(exchange, overloadedRouteAnswer(found.dialect, path));
    return undefined;
  };
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function rankedRpc(method: DescMethod) {
  const name = `${method.parent.typeName}/${method.name}`;
  const rank = rankOf(method);
  if (rank === null) throw new Error(`the contract gives ${name} no rank`);
  return { name, method, rank, streams: method.methodKind !== "unary" };
}

async function refuse(exchange: Exchange, { status, headers, body }: ReadyAnswer): Promise<void> {
  const { call, request, response } = exchange;
  call.error = overloadedError();
  // The admission logs how many there were.
  call.quiet = true;
  const isGrpc = headers["grpc-status"] !== undefined;
  const all = isGrpc ? headers : { ...securityHeaders(isEncrypted(request)), ...headers };
  for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
  // Without a body the headers end the stream by themselves: they must not be written before the end.
  response.statusCode = status;
  if (body.byteLength > 0) response.write(body);
  response.end(() => discardRest(request));
}
