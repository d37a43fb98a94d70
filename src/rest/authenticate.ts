/** Finds out who makes a request, by the secrets that it shows in its dialect's own way. */
import type { Admitted, Arrival, Gate } from "../gate/gate.ts";
import { ANONYMOUS } from "../gate/identity.ts";
import type { Dialect, Route } from "./dialect.ts";

/** Throws what the gate refuses with if the request may not be made. */
export async function authenticate(
  { dialect, route }: { readonly dialect: Dialect; readonly route: Route },
  headers: Headers,
  query: URLSearchParams,
  { peer, onRecognized }: Pick<Arrival, "peer" | "onRecognized">,
  gate: Gate,
): Promise<Admitted> {
  const { scopes } = route;
  if (scopes === null) return { caller: { ...ANONYMOUS, address: peer.address }, standing: null };
  return gate.enter({ peer, secrets: dialect.secrets(headers, query), scopes, onRecognized });
}
