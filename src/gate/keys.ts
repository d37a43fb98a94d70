/** Makes, lists and revokes keys. */
import { BlockList } from "node:net";
import { v7 as uuidv7 } from "uuid";
import { Refused, refusal } from "../domain/refusal.ts";
import type { Millis } from "../domain/time.ts";
import type { ApiKey, ApiKeys } from "../store/api_keys.ts";
import type { AuditCall, AuditEntry } from "../store/audit.ts";
import type { Page, PageRequest } from "../store/page.ts";
import { digestOf, mintApiKey, shownPrefixOf } from "./api_key.ts";
import type { Identity, RateLimit } from "./identity.ts";
import { addBlock } from "./ip_address.ts";
import type { KeyRing } from "./key_ring.ts";
import type { Scope } from "./scope.ts";

export type { ApiKey } from "../store/api_keys.ts";

export interface NewKey {
  readonly description: string;
  readonly scopes: readonly Scope[];
  /** Empty: the tenant of whoever makes it. */
  readonly tenant: string;
  readonly expiresAt: Millis | null;
  readonly allowedAddresses: readonly string[];
  readonly rateLimit: RateLimit | null;
}

/** Whoever manages keys, for the audit log too. */
export interface Manager {
  readonly identity: Identity;
  readonly audit: AuditCall;
}

export interface Keys {
  /** The key, and its secret: kept nowhere else. */
  create(by: Manager, key: NewKey): Promise<{ readonly key: ApiKey; readonly secret: string }>;
  /** Newest first. @param tenant empty: the tenant of whoever asks */
  list(by: Identity, tenant: string, page: PageRequest): Promise<Page<ApiKey>>;
  revoke(by: Manager, tenant: string, id: string): Promise<ApiKey>;
}

export interface KeysOptions {
  readonly store: ApiKeys;
  readonly ring: KeyRing;
  readonly now: () => Millis;
  /** True while no credentials are configured: the first key then ends that nobody needs any. */
  readonly isOpen: () => boolean;
}

export function createKeys({ store, ring, now, isOpen }: KeysOptions): Keys {
  return {
    create: async ({ identity, audit }, { tenant: asked, ...rest }) => {
      const tenant = tenantOf(identity, asked);
      check(rest, now());
      if (isOpen() && !rest.scopes.includes("admin")) {
        throw invalid("scopes", "the first key must have the scope admin: from then on every call needs a key");
      }
      const secret = mintApiKey();
      const key: ApiKey = {
        ...rest,
        id: uuidv7(),
        tenant,
        prefix: shownPrefixOf(secret),
        digest: digestOf(secret),
        createdAt: now(),
        createdBy: identity.principal,
        revokedAt: null,
      };
      await store.insert(key, entryOf(audit, tenant, `key ${key.id}: ${key.scopes.join(", ")}`));
      ring.add(key);
      return { key, secret };
    },
    list: async (by, tenant, page) => store.list(tenantOf(by, tenant), page),
    revoke: async ({ identity, audit }, asked, id) => {
      const tenant = tenantOf(identity, asked);
      const key = await store.revoke(tenant, id, now(), entryOf(audit, tenant, `key ${id}`));
      if (key === null) {
        throw new Refused(refusal("key_not_found", `no key has the id '${id}'`, { key_id: id }));
      }
      ring.revoke(id);
      return key;
    },
  };
}

/** The tenant that is meant, if whoever asks may manage it. */
export function tenantOf({ tenant, isOperator }: Identity, asked: string): string {
  if (asked === "" || asked === tenant) return tenant;
  if (isOperator) return asked;
  const message = `only an operator of the server manages the tenant ${asked}; you manage ${tenant}`;
  throw new Refused(refusal("permission_denied", message, { tenant: asked }));
}

function check({ expiresAt, allowedAddresses }: Omit<NewKey, "tenant">, now: Millis): void {
  if (expiresAt !== null && expiresAt <= now) throw invalid("expire_time", "must be in the future");
  for (const [index, address] of allowedAddresses.entries()) {
    if (addBlock(new BlockList(), address)) continue;
    throw invalid(
      `allowed_addresses[${index}]`,
      `'${address}' must be an address or a CIDR block, for example 192.0.2.0/24`,
    );
  }
}

function invalid(field: string, description: string): Refused {
  return new Refused(refusal("invalid_request", `${field}: ${description}`, { field }));
}

function entryOf(call: AuditCall, tenant: string, reason: string): AuditEntry {
  const nothing = { requestedBy: "", execution: null, message: "", cancellationId: "" };
  return { ...call, ...nothing, tenant, reason, outcome: "applied", count: 1 };
}
