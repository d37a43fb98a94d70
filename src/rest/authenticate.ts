/** Finds out who makes a request, by the secrets that it shows in its dialect's own way. */
import { authorize } from "../rpc/authorization.ts";
import type { Caller } from "../rpc/caller.ts";
import type { Keys } from "../rpc/keys.ts";
import type { Dialect, Route } from "./dialect.ts";

/** Everybody is the same caller where no keys are configured. */
const ANONYMOUS: Caller = { tenant: "default", principal: "anonymous" };

/** Throws the ConnectError of `authorize` if the request may not be made. */
export async function authenticate(
  dialect: Dialect,
  route: Route,
  headers: Headers,
  query: URLSearchParams,
  keys: Keys,
): Promise<Caller> {
  if (!keys.isRequired || route.isOpen) return ANONYMOUS;
  const holder = await authorize(keys, dialect.secrets(headers, query), route.permission ?? null);
  return { tenant: "default", principal: holder.name };
}
