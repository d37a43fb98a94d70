/** belay.v1.KeyService. */
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import type { Keys, Manager } from "../gate/keys.ts";
import { beginAuditTrail } from "./audit_trail.ts";
import { callerOf } from "./caller.ts";
import { pageRequestOf } from "./convert/filters.ts";
import { keyMessage, newKeyOf } from "./convert/key.ts";
import { refuseIdempotencyKey } from "./idempotency.ts";

export function keyHandlers(keys: Keys): ServiceImpl<typeof KeyService> {
  return {
    async createKey(request, context) {
      refuseIdempotencyKey(context, NO_REPLAY);
      const { key, secret } = await keys.create(managerOf(context), newKeyOf(request));
      return { key: keyMessage(key), secret };
    },

    async listKeys(request, context) {
      const { items, nextPageToken } = await keys.list(callerOf(context), request.tenant, pageRequestOf(request));
      return { keys: items.map(keyMessage), nextPageToken };
    },

    async revokeKey(request, context) {
      return { key: keyMessage(await keys.revoke(managerOf(context), request.tenant, request.keyId)) };
    },
  };
}

const NO_REPLAY =
  "is not taken here: a secret is kept nowhere, so it can't be answered again. List the keys, and revoke what was made in vain";

function managerOf(context: HandlerContext): Manager {
  return { identity: callerOf(context), audit: beginAuditTrail(context.method.name, context).call };
}
