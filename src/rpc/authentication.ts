/** Lets in the callers of RPCs that show a known key, in the header style of any of the products. */
import type { ConnectError, Interceptor } from "@connectrpc/connect";
import { callerKey } from "./caller.ts";
import { secretsOf } from "./credentials.ts";
import { failureToError } from "./errors.ts";
import type { Keys } from "./keys.ts";

/** Sets the caller of a call that came over the wire. Without configured keys, everybody is the same caller. */
export function authenticateCalls(keys: Keys): Interceptor {
  return (next) => async (call) => {
    if (!keys.isRequired) return next(call);
    const [secret, ...others] = secretsOf(call.header);
    if (secret === undefined) throw denied("no credentials were sent: send a key as Authorization: Bearer KEY");
    const holder = await keys.holderOf(secret);
    const all = await Promise.all(others.map((other) => keys.holderOf(other)));
    if (holder === null || all.includes(null)) throw denied("the credentials are not valid");
    call.contextValues.set(callerKey, { tenant: "default", principal: holder.name });
    return next(call);
  };
}

function denied(message: string): ConnectError {
  return failureToError({ reason: "unauthenticated", message }, null);
}
