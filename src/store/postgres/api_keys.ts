/** The keys over PostgreSQL. */
import type { Kysely } from "kysely";
import { apiKeyOf, apiKeyRowOf, findOrMakeSecret, listApiKeys } from "../api_key_rows.ts";
import type { ApiKeys } from "../api_keys.ts";
import type { Schema } from "../schema.ts";
import { appendAudit } from "./append_audit.ts";
import { sendNotice } from "./notices.ts";

/** @param replica the name by which this process tells its own notices */
export function createPostgresApiKeys(db: Kysely<Schema>, replica: string): ApiKeys {
  return {
    all: async () => (await db.selectFrom("api_key").selectAll().execute()).map(apiKeyOf),
    list: (tenant, page) => listApiKeys(db, tenant, page),
    insert: (key, entry) =>
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto("api_key").values(apiKeyRowOf(key)).execute();
        await appendAudit(transaction, [entry], key.createdAt);
        await sendNotice(transaction, replica, { type: "keys" });
      }),
    revoke: (tenant, id, now, entry) =>
      db.transaction().execute(async (transaction) => {
        const revoked = await transaction
          .updateTable("api_key")
          .set({ revoked_at: now })
          .where("tenant", "=", tenant)
          .where("id", "=", id)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (revoked.numUpdatedRows > 0n) {
          await appendAudit(transaction, [entry], now);
          await sendNotice(transaction, replica, { type: "keys" });
        }
        const row = await transaction
          .selectFrom("api_key")
          .selectAll()
          .where("tenant", "=", tenant)
          .where("id", "=", id)
          .executeTakeFirst();
        return row === undefined ? null : apiKeyOf(row);
      }),
    secret: () => findOrMakeSecret(db),
  };
}
