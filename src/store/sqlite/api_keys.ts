/** What is written about keys, over SQLite. */
import type { Database } from "better-sqlite3";
import type { CompiledQuery, Kysely } from "kysely";
import { apiKeyOf, apiKeyRowOf, findOrMakeSecret } from "../api_key_rows.ts";
import type { Schema } from "../schema.ts";
import type { AuditWriter } from "./audit_writer.ts";
import type { Transact } from "./transact.ts";
import type { ApiKeyWrites } from "./writer.ts";

export interface ApiKeysOptions {
  readonly database: Database;
  readonly writing: Kysely<Schema>;
  readonly audit: AuditWriter;
  readonly transact: Transact;
}

export function createApiKeyWrites({ database, writing, audit, transact }: ApiKeysOptions): ApiKeyWrites {
  /** Within a transaction, where an awaited query would let others in. */
  const run = (query: CompiledQuery): number => database.prepare(query.sql).run(...query.parameters).changes;

  return {
    insert: (key, entry) =>
      transact(() => {
        run(writing.insertInto("api_key").values(apiKeyRowOf(key)).compile());
        audit.append(entry, key.createdAt);
      }),

    revoke: async (tenant, id, now, entry) => {
      const own = writing.selectFrom("api_key").selectAll().where("tenant", "=", tenant).where("id", "=", id);
      await transact(() => {
        const revoked = writing
          .updateTable("api_key")
          .set({ revoked_at: now })
          .where("tenant", "=", tenant)
          .where("id", "=", id)
          .where("revoked_at", "is", null);
        if (run(revoked.compile()) > 0) audit.append(entry, now);
      });
      const row = await own.executeTakeFirst();
      return row === undefined ? null : apiKeyOf(row);
    },

    secret: () => findOrMakeSecret(writing),
  };
}
