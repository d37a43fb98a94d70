/** Dialects: the public APIs of other products, spoken word for word. One file each declares its routes, credentials and errors. */
import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import type { CallScope, Calls } from "../rpc/calls.ts";
import type { Keys } from "../rpc/keys.ts";
import type { Service } from "../service/service.ts";
import type { Problem } from "./problem.ts";

/** What a route may use. */
export interface RestContext {
  /** The RPCs, with their validation and errors. */
  readonly calls: Calls;
  /** For what no RPC offers. */
  readonly service: Service;
  readonly keys: Keys;
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
  /** Who asks, until when; for `calls`. */
  readonly scope: CallScope;
}

/** What a route answers when all went well, with the status that it declares. */
export interface RestAnswer {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. Undefined: no body. */
  readonly body?: unknown;
}

export interface RestResponse extends RestAnswer {
  readonly status: number;
}

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
  /** True if it can be used without credentials, because it is where they come from. */
  readonly isOpen?: boolean;
  /** What the key must be permitted to do. None: any key will do. */
  readonly permission?: string;
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
  /** An error in the product's shape. */
  readonly error: (problem: Problem, path: string) => RestResponse;
}
