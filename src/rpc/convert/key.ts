/** Keys. */
import { create } from "@bufbuild/protobuf";
import { type CreateKeyRequest, type Key, KeySchema } from "../../../gen/belay/v1/key_service_pb.ts";
import type { ApiKey, NewKey } from "../../gate/keys.ts";
import { isScope } from "../../gate/scope.ts";
import { millisOfSeconds, millisOfTimestamp, secondsOfMillis, timestampMessage } from "./time.ts";

export function keyMessage(key: ApiKey): Key {
  const { id, tenant, description, prefix, createdBy, rateLimit } = key;
  return create(KeySchema, {
    keyId: id,
    tenant,
    description,
    prefix,
    scopes: [...key.scopes],
    allowedAddresses: [...key.allowedAddresses],
    ...(rateLimit !== null && {
      rateLimit: { calls: rateLimit.calls, periodSeconds: secondsOfMillis(rateLimit.period) },
    }),
    createTime: timestampMessage(key.createdAt),
    createdBy,
    ...(key.expiresAt !== null && { expireTime: timestampMessage(key.expiresAt) }),
    ...(key.revokedAt !== null && { revokeTime: timestampMessage(key.revokedAt) }),
  });
}

export function newKeyOf(request: CreateKeyRequest): NewKey {
  const { description, tenant, allowedAddresses, rateLimit } = request;
  return {
    description,
    // The contract's rules let no other through.
    scopes: request.scopes.filter(isScope),
    tenant,
    expiresAt: millisOfTimestamp(request.expireTime, "expire_time"),
    allowedAddresses,
    rateLimit:
      rateLimit === undefined ? null : { calls: rateLimit.calls, period: millisOfSeconds(rateLimit.periodSeconds) },
  };
}
