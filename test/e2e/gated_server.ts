/** A server that asks for keys, and the keys of its tenants: made as an operator makes them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CreateKeyRequestSchema } from "../../gen/belay/v1/key_service_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";

const OPERATOR_KEY = "the-operator-of-the-server";

export interface MadeKey {
  readonly id: string;
  readonly tenant: string;
  readonly secret: string;
}

export interface GatedServer extends TestServer {
  /** Calls as the operator. */
  readonly operator: Clients;
  /** Calls with a key. */
  as(key: MadeKey): Clients;
  createKey(
    tenant: string,
    scopes: readonly string[],
    more?: MessageInitShape<typeof CreateKeyRequestSchema>,
  ): Promise<MadeKey>;
  revoke(key: MadeKey): Promise<void>;
}

/** Resolves when it serves. `args` are more options of `belay serve`. */
export async function startGatedServer(...args: readonly string[]): Promise<GatedServer> {
  const server = await startServer("--api-key", OPERATOR_KEY, ...args);
  const operator = clientsOf(server.url, OPERATOR_KEY);
  return {
    ...server,
    operator,
    as: ({ secret }) => clientsOf(server.url, secret),
    async createKey(tenant, scopes, more = {}) {
      const { key, secret } = await operator.keys.createKey({
        description: `a key of ${tenant}`,
        tenant,
        scopes: [...scopes],
        ...more,
      });
      return { id: key!.keyId, tenant, secret };
    },
    async revoke({ id, tenant }) {
      await operator.keys.revokeKey({ keyId: id, tenant });
    },
  };
}
