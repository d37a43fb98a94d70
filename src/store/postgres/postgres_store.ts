/** The store over PostgreSQL. */
import type { Kysely } from "kysely";
import type { Millis } from "../../domain/time.ts";
import type { AuditLog } from "../audit.ts";
import type { Faults } from "../faults.ts";
import { forgetCommands } from "../forget_commands.ts";
import type { Guard } from "../guard.ts";
import { listAuditEvents } from "../list_audit_events.ts";
import { recordAnswer } from "../record_answer.ts";
import type { Schema } from "../schema.ts";
import type { Store } from "../store.ts";
import { storeReads } from "../store_reads.ts";
import { createPostgresApiKeys } from "./api_keys.ts";
import { appendAudit } from "./append_audit.ts";
import { createPostgresBatchOperations } from "./batch_operations.ts";
import { applyBatch } from "./batch_writer.ts";
import { createPostgresEffects } from "./effects.ts";
import type { NoticeListener } from "./listener.ts";
import { sendNotice } from "./notices.ts";
import { createPostgresPruning } from "./pruning.ts";
import type { Pulse } from "./pulse.ts";
import { POSTGRES_SEARCH } from "./search_sql.ts";

export interface PostgresStoreOptions {
  readonly db: Kysely<Schema>;
  /** The name by which this process tells its own notices. */
  readonly replica: string;
  readonly listener: NoticeListener;
  readonly pulse: Pulse;
  readonly guard: Guard;
  /** Whose clock counts where commands are decided: that of the database, or, for tests that drive it, that of the caller. */
  readonly clock: "database" | "caller";
  readonly effectClaim: Millis;
  readonly faults: Faults | undefined;
}

export function createPostgresStore(options: PostgresStoreOptions): Store {
  const { db, replica, listener, pulse, clock } = options;
  const { guard, onTrouble } = options.guard;
  return guard<Store>({
    batchOperations: guard(createPostgresBatchOperations(db, options)),
    apiKeys: guard(createPostgresApiKeys(db, replica)),
    audit: guard<AuditLog>({
      append: (entries, now) => db.transaction().execute((transaction) => appendAudit(transaction, entries, now)),
      list: (tenant, filter, afterNumber, limit) => listAuditEvents(db, tenant, filter, afterNumber, limit),
    }),
    pruning: guard(createPostgresPruning(db)),
    health: { check: () => pulse.feel(), onTrouble },
    // Transactions side by side commit as the locks allow.
    decidesInOrder: false,
    notices: {
      send: (notice) => sendNotice(db, replica, notice),
      listen: (listen) => listener.listen(listen),
    },
    ...createPostgresEffects(db),

    apply: (envelopes, now) => applyBatch(db, options, envelopes, clock === "caller" ? now : null),
    recordAnswer: (key, idempotency, answer) => recordAnswer(db, key, idempotency, answer),
    forgetCommands: (before, place, limit) => forgetCommands(db, before, place, limit),

    ...storeReads(db, POSTGRES_SEARCH),

    close: () => db.destroy(),
  });
}
