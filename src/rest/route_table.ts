/** The routes of all dialects, found by method and path. */
import FindMyWay, { type HTTPMethod } from "find-my-way";
import type { Dialect, Route } from "./dialect.ts";

export interface FoundRoute {
  readonly dialect: Dialect;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

export interface RouteTable {
  /** The route of a request; null if no dialect has one with this method. */
  find(method: string, path: string): FoundRoute | null;
  /** The methods with which the path has a route. */
  methodsAt(path: string): readonly string[];
}

/** Longer than any head that the port takes: what is too long for an id is for the contract's rules to say. */
const MAX_PARAM_LENGTH = 64 * 1024;

const METHODS = ["GET", "POST", "PUT"] as const satisfies readonly HTTPMethod[];

export function createRouteTable(dialects: readonly Dialect[]): RouteTable {
  const routes = new Map<unknown, { readonly dialect: Dialect; readonly route: Route }>();
  const table = FindMyWay({ maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false });
  for (const dialect of dialects) {
    for (const route of dialect.routes) {
      // The table gives back the handler that it was given: an identity for the route.
      const identity = (): void => undefined;
      routes.set(identity, { dialect, route });
      table.on(route.method, route.path, identity);
    }
  }

  const find: RouteTable["find"] = (method, path) => {
    const known = METHODS.find((each) => each === method);
    const found = known === undefined ? null : table.find(known, path);
    const entry = found === null ? undefined : routes.get(found.handler);
    if (found === null || entry === undefined) return null;
    const params = Object.fromEntries(Object.entries(found.params).map(([name, value]) => [name, value ?? ""]));
    return { ...entry, params };
  };

  return { find, methodsAt: (path) => METHODS.filter((method) => find(method, path) !== null) };
}
