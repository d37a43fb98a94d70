/** Tenants of a gated server, and what they do in tests about keeping them apart. */
import { randomUUID } from "node:crypto";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import type { CancelProcessResponse } from "../../gen/belay/v1/cancellation_service_pb.ts";
import type { AnyJson } from "../rest/json_call.ts";
import type { Clients } from "./clients.ts";
import type { GatedServer, MadeKey } from "./gated_server.ts";

export interface Tenant {
  readonly name: string;
  /** With the scope admin. */
  readonly key: MadeKey;
  readonly clients: Clients;
  /** Calls a route of any dialect. */
  rest(method: string, path: string, body?: unknown): Promise<RestAnswer>;
}

interface RestAnswer {
  readonly status: number;
  readonly body: AnyJson;
}

/** A tenant that has nothing yet but its key. */
export async function newTenant(server: GatedServer, name: string): Promise<Tenant> {
  const key = await server.createKey(`${name}-${randomUUID()}`, ["admin"]);
  const { secret } = key;
  const styles = { "api-key": secret, apikey: secret, "dd-api-key": secret, "dd-application-key": secret };
  return {
    name: key.tenant,
    key,
    clients: server.as(key),
    async rest(method, path, body) {
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", ...styles },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? null : JSON.parse(text) };
    },
  };
}

export function cancelProcess(
  { clients }: Pick<Tenant, "clients">,
  processId: string,
  commandId = "",
): Promise<CancelProcessResponse> {
  return clients.cancellations.cancelProcess({
    processId,
    reason: "wrong input",
    requestedBy: { system: "test" },
    strategy: Strategy.SOFT,
    commandId,
  });
}
