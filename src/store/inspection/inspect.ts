/** Checks that a database agrees with itself. Writes nothing, and can be done beside a server that runs. */
import { migrationStatus } from "../migrate.ts";
import { inspectAuditChains } from "./audit_chains.ts";
import { inspectBatchOperations } from "./batch_operations.ts";
import { inspectEffects } from "./effects.ts";
import { inspectExecutions } from "./executions.ts";
import type { Check } from "./finding.ts";
import { type DatabasePlace, type InspectedDatabase, operate } from "./open.ts";
import { inspectOrphans } from "./orphans.ts";
import { inspectSqliteFile } from "./sqlite_file.ts";

export interface Inspection {
  readonly isServed: boolean;
  readonly checks: readonly Check[];
}

/** Rejects with a StoreOpenError if the database can't be read, or is not of this program's version. */
export function inspectDatabase(place: DatabasePlace): Promise<Inspection> {
  return operate(place, async (inspected) => {
    const { pending, unknown } = await migrationStatus(inspected.db);
    if (unknown.length > 0) throw new Error(`it is newer than this program, which does not know ${unknown.join(", ")}`);
    if (pending.length > 0) throw new Error(`it has yet to be migrated (belay migrate): ${pending.join(", ")}`);
    return inspect(inspected);
  });
}

async function inspect(inspected: InspectedDatabase): Promise<Inspection> {
  const isServed = await inspected.isServed();
  const now = await inspected.now();
  const isSqlite = inspected.name === "sqlite";
  return inspected.atOneMoment(async (db) => ({
    isServed,
    checks: [
      ...(isSqlite ? [await inspectSqliteFile(db)] : []),
      ...(await inspectExecutions(db)),
      await inspectOrphans(db),
      await inspectEffects(db, now, isServed),
      await inspectBatchOperations(db),
      await inspectAuditChains(db, !isSqlite),
    ],
  }));
}
