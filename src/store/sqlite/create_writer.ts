/** Makes the half of the store that writes, on the connection of whichever thread it is called in. */
import type { Millis } from "../../domain/time.ts";
import { claimedEffects } from "../claimed_effects.ts";
import { forgetCommands } from "../forget_commands.ts";
import { recordAnswer } from "../record_answer.ts";
import { createApiKeyWrites } from "./api_keys.ts";
import { AuditWriter } from "./audit_writer.ts";
import { createBatchOperationWrites } from "./batch_operations.ts";
import { BatchWriter } from "./batch_writer.ts";
import { claimEffects } from "./claim_effects.ts";
import type { SqliteConnection } from "./connection.ts";
import { createHealthProbes } from "./health.ts";
import { createPruningSteps } from "./pruning.ts";
import { prepareStatements } from "./statements.ts";
import { createTransact } from "./transact.ts";
import type { SqliteWriter } from "./writer.ts";

/** @param effectClaim how long an effect that was handed out is not handed out again */
export function createWriter({ database, db }: SqliteConnection, effectClaim: Millis): SqliteWriter {
  const audit = new AuditWriter(database, db);
  const transact = createTransact(database, audit);
  const batches = new BatchWriter(database, prepareStatements(database, db), audit, effectClaim);
  return {
    commands: {
      apply: async (envelopes, now) => batches.apply(envelopes, now),
      recordAnswer: (key, idempotency, answer) => recordAnswer(db, key, idempotency, answer),
      forgetCommands: (before, place, limit) => forgetCommands(db, before, place, limit),
      claimEffects: (now, until, limit) => claimEffects(db, now, until, limit),
      ...claimedEffects(db),
    },
    batchOperations: createBatchOperationWrites({ database, writing: db, transact, audit, batches }),
    apiKeys: createApiKeyWrites({ database, writing: db, transact, audit }),
    audit: {
      append: (entries, now) =>
        transact(() => {
          for (const entry of entries) audit.append(entry, now);
        }),
    },
    pruning: createPruningSteps({ database, writing: db, transact }),
    health: createHealthProbes(database),
    connection: {
      close: async () => {
        database.close();
      },
    },
  };
}
