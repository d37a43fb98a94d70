/** The keys and the audit log of a database that no server has open, for its operator. */
import { createRouterTransport, type Interceptor, type Transport } from "@connectrpc/connect";
import { pino } from "pino";
import { AuditService } from "../../gen/belay/v1/audit_service_pb.ts";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import { ANONYMOUS } from "../gate/identity.ts";
import { auditHandlers } from "../rpc/audit_service.ts";
import { callerKey } from "../rpc/caller.ts";
import { keyHandlers } from "../rpc/key_service.ts";
import { interceptors } from "../rpc/routes.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { openGate } from "./open_gate.ts";

export interface Offline {
  /** Serves KeyService and AuditService. */
  readonly transport: Transport;
  close(): Promise<void>;
}

/** Whoever may open the file may do everything. */
const asOperator: Interceptor = (next) => (call) => {
  call.contextValues.set(callerKey, { ...ANONYMOUS, principal: "operator", name: "operator", address: "" });
  return next(call);
};

/** Rejects with a StoreOpenError if the database can't be opened: a server may have it. */
export async function openOffline(database: string): Promise<Offline> {
  const store = await openSqliteStore(database);
  const logger = pino({ level: "warn" }, process.stderr);
  const config = { apiKeys: [], oidc: null, rateLimits: { perKey: null, perAddress: null } };
  const { keys, audit, close } = await openGate({ config, store, tls: null, logger, isServing: false });
  const transport = createRouterTransport(
    (router) => {
      router.service(KeyService, keyHandlers(keys));
      router.service(AuditService, auditHandlers(audit));
    },
    { router: { interceptors: [asOperator, ...interceptors({ log: logger })] } },
  );
  return {
    transport,
    close: async () => {
      await close();
      await store.close();
    },
  };
}
