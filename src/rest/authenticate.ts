/** Finds out who makes a request, by the secrets that it shows in its dialect's own way. */
import { Code } from "@connectrpc/connect";
import type { Caller } from "../rpc/caller.ts";
import type { Keys } from "../rpc/keys.ts";
import type { Dialect, Route } from "./dialect.ts";
import type { Problem } from "./problem.ts";

export type Authenticated = { readonly caller: Caller } | { readonly problem: Problem };

/** Everybody is the same caller where no keys are configured. */
const ANONYMOUS: Caller = { tenant: "default", principal: "anonymous" };

export async function authenticate(
  dialect: Dialect,
  route: Route,
  headers: Headers,
  query: URLSearchParams,
  keys: Keys,
): Promise<Authenticated> {
  if (!keys.isRequired || route.isOpen) return { caller: ANONYMOUS };
  const secrets = dialect.secrets(headers, query);
  if (secrets.length === 0) return denied(Code.Unauthenticated, "no credentials were sent");
  const holders = await Promise.all(secrets.map((secret) => keys.holderOf(secret)));
  const [holder] = holders;
  if (holder === undefined || holder === null || holders.includes(null)) {
    return denied(Code.Unauthenticated, "the credentials are not valid");
  }
  const { permission } = route;
  const isPermitted =
    permission === undefined || holders.every((each) => each?.permissions?.includes(permission) ?? true);
  if (!isPermitted) return denied(Code.PermissionDenied, `the key lacks the permission ${permission}`);
  return { caller: { tenant: "default", principal: holder.name } };
}

function denied(code: Code, message: string): Authenticated {
  return { problem: { code, reason: "", message, metadata: {}, violations: [], status: null, headers: {} } };
}
