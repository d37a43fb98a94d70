/** Who calls, as the gate in front of the handlers found out. */
import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import { ANONYMOUS, type Caller } from "../gate/identity.ts";
import type { Peer } from "../gate/peer.ts";

/** Where the port puts the other end of the connection. */
export const peerKey: ContextKey<Peer> = createContextKey<Peer>(
  { address: "", certificate: null },
  { description: "the peer" },
);

/** Where the gate puts the caller. Without a gate every call is made by the same one. */
export const callerKey: ContextKey<Caller> = createContextKey<Caller>(
  { ...ANONYMOUS, address: "" },
  { description: "the caller" },
);

/** The caller of the call that `context` belongs to. */
export function callerOf(context: { readonly values: ContextValues }): Caller {
  return context.values.get(callerKey);
}
