/** Dialects: the public APIs of other products, spoken word for word. One file each declares its routes, credentials and errors. */
import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import type { Gate } from "../gate/gate.ts";
import type { Caller } from "../gate/identity.ts";
import type { Peer } from "../gate/peer.ts";
import type { RateStanding } from "../gate/rate_limits.ts";
import type { Scope } from "../gate/scope.ts";
import type { Tokens } from "../gate/tokens.ts";
import type { CallScope, Calls } from "../rpc/calls.ts";
import type { Rank } from "../rpc/rank.ts";
import type { AuditSubject } from "../rpc/refusal_entry.ts";
import type { AuditTrail, Service } from "../service/service.ts";
import type { Problem } from "./problem.ts";

/** What a route may use. */
export interface RestContext {
  /** The RPCs, with their validation and errors. */
  readonly calls: Calls;
  /** For what no RPC offers. */
  readonly service: Service;
  readonly gate: Gate;
  readonly tokens: Tokens;
}

/** A request whose route is known and whose caller may make it. */
export interface RestRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** The body as the route takes it: JSON, or the fields of a form; null if there is none. */
  readonly body: JsonValue;
  readonly caller: Caller;
  readonly peer: Peer;
  /** Who asks, until when; for `calls`. */
  readonly scope: CallScope;
  /** For what no RPC offers and the audit log keeps. */
  readonly beginAudit: () => AuditTrail;
}

/** What a route answers when all went well, with the status that it declares. */
export interface RestAnswer {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. Undefined: no body. */
  readonly body?: unknown;
}

export interface RestResponse extends RestAnswer {
  readonly status: number;
  /** What went wrong, for the log. Left out: nothing. */
  readonly problem?: Problem;
}

/** What a request asks for, by the parameters of its path. */
export type Audited = (params: Readonly<Record<string, string>>) => Pick<AuditSubject, "action" | "execution">;

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** A path with parameters, for example "/v2/process-instances/:key/cancellation". */
  readonly path: string;
  /**
   * How the body is read. `json`: must be JSON. `optional_json`: JSON or nothing; of another content type, it is refused. `form`: a URL
   * encoded form. `none`: not read.
   */
  readonly body: "json" | "optional_json" | "form" | "none";
  /** The HTTP status of its success. */
  readonly success: number;
  /** How late an overloaded server refuses it. */
  readonly rank: Rank;
  /** Any one of them lets a caller in. Null: it can be used without credentials, because it is where they come from. */
  readonly scopes: readonly Scope[] | null;
  /** What the audit log keeps of it when it is refused. Left out: nothing. */
  readonly audited?: Audited;
  /** A ConnectError that it throws is answered in the dialect's shape. An answer with a status of its own is sent as it is. */
  readonly handle: (request: RestRequest, context: RestContext) => Promise<RestAnswer>;
}

export interface Dialect {
  /** The name of the product. */
  readonly name: string;
  /** The beginnings of its paths: an unknown path that begins so is answered in its shape. */
  readonly prefixes: readonly string[];
  readonly routes: readonly Route[];
  /** The RPC behind its cancel: the statuses that the contract documents for it are the dialect's. */
  readonly cancel: DescMethod;
  /** How its clients show their keys, for people. */
  readonly credentials: string;
  /** The secrets that the request shows, in the product's header style; each must be known. Empty: it shows none. */
  readonly secrets: (headers: Headers, query: URLSearchParams) => readonly string[];
  /** Headers that tell where the caller stands with its rate limit, if the product has such. */
  readonly standingHeaders?: (standing: RateStanding) => Readonly<Record<string, string>>;
  /** An error in the product's shape. */
  readonly error: (problem: Problem, path: string) => RestResponse;
}
