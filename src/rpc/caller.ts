/** Who calls, as the gate in front of the handlers found out. */
import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";

export interface Caller {
  /** Whose executions the call sees and touches. */
  readonly tenant: string;
  /** Who it is within the tenant. Scopes command ids: those of two principals never meet. */
  readonly principal: string;
}

/** Where the gate puts the caller. Without a gate every call is made by the same one. */
export const callerKey: ContextKey<Caller> = createContextKey<Caller>(
  { tenant: "default", principal: "anonymous" },
  { description: "the caller" },
);

/** The caller of the call that `context` belongs to. */
export function callerOf(context: { readonly values: ContextValues }): Caller {
  return context.values.get(callerKey);
}
