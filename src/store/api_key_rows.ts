/** Between the rows of keys and the keys. The same over every database. */
import { randomBytes } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import type { ApiKey } from "./api_keys.ts";
import type { Page, PageRequest } from "./page.ts";
import { decodePageToken, encodePageToken } from "./page_token.ts";
import type { ApiKeyTable, Schema } from "./schema.ts";

/** Newest first. */
export async function listApiKeys(
  db: Kysely<Schema>,
  tenant: string,
  { size, token }: PageRequest,
): Promise<Page<ApiKey>> {
  const list = ["api_keys", tenant];
  const after = decodePageToken(list, token);
  const passed = after?.rid ?? 0;
  const rows = await db
    .selectFrom("api_key")
    .selectAll()
    .where("tenant", "=", tenant)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(size + 1)
    .offset(passed)
    .execute();
  const shown = rows.slice(0, size);
  const place = { at: 0, rid: passed + shown.length };
  return { items: shown.map(apiKeyOf), nextPageToken: rows.length > size ? encodePageToken(list, place) : "" };
}

/** The name of the secret that tokens are signed with. */
const SIGNING = "signing";

/** The random secret of the store, in hex, made when it is first asked for. */
export async function findOrMakeSecret(db: Kysely<Schema>): Promise<string> {
  await db
    .insertInto("secret")
    .values({ name: SIGNING, value: randomBytes(32).toString("hex") })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const kept = db.selectFrom("secret").select("value").where("name", "=", SIGNING);
  return (await kept.executeTakeFirstOrThrow()).value;
}

export function apiKeyOf(row: Selectable<ApiKeyTable>): ApiKey {
  const scopes: string[] = JSON.parse(row.scopes_json);
  const allowedAddresses: string[] = JSON.parse(row.allowed_addresses_json);
  const { rate_limit_calls: calls, rate_limit_period: period } = row;
  return {
    id: row.id,
    tenant: row.tenant,
    description: row.description,
    prefix: row.prefix,
    digest: row.digest,
    scopes,
    allowedAddresses,
    rateLimit: calls === null || period === null ? null : { calls, period },
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

export function apiKeyRowOf(key: ApiKey): ApiKeyTable {
  return {
    id: key.id,
    tenant: key.tenant,
    description: key.description,
    prefix: key.prefix,
    digest: key.digest,
    scopes_json: JSON.stringify(key.scopes),
    allowed_addresses_json: JSON.stringify(key.allowedAddresses),
    rate_limit_calls: key.rateLimit?.calls ?? null,
    rate_limit_period: key.rateLimit?.period ?? null,
    created_at: key.createdAt,
    created_by: key.createdBy,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
  };
}
