import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WorkerEngine } from "../../src/engines/worker_engine.ts";
import { type Clock, systemClock } from "../../src/service/clock.ts";
import { createService } from "../../src/service/create_service.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { openSqliteStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { type Cluster, startCluster } from "../postgres/cluster.ts";
import { explain, type History } from "./history.ts";
import { playRaces, type Replica } from "./races.ts";
import { showHistory } from "./show_history.ts";

const logger = pino({ level: "silent" });

function replicaOver(store: Store, clock: Clock): Replica {
  const service = createService({
    store,
    clock,
    workers: new WorkerEngine(),
    callbacks: { secret: null, bodyOf: () => "{}" },
    logger,
    leaseGrace: 0,
    effectClaim: 500,
  });
  return { service, store };
}

/** What can't be explained, with all that was seen of it. */
function unexplained(histories: readonly History[]): string[] {
  return histories.flatMap((history) => {
    const verdict = explain(history);
    return verdict.explained ? [] : [showHistory(history, verdict)];
  });
}

/** How many histories saw each kind of event: races in which nothing happens prove nothing. */
function eventsMet(histories: readonly History[]): Set<string> {
  return new Set(histories.flatMap(({ events }) => events.map(({ type }) => type)));
}

const EXPECTED = [
  "cancellation_ended",
  "cancellation_escalated",
  "cancellation_joined",
  "completed",
  "failed",
  "lease_expired",
  "result_refused",
  "stop_confirmed",
  "stop_delivered",
  "stop_lost",
  "terminate_delivered",
  "terminate_requested",
];

describe("concurrent cancels, results, heartbeats, escalations and ends of leases", () => {
  it("are one order of decisions over SQLite", async () => {
    const folder = mkdtempSync(join(tmpdir(), "belay-races-"));
    const store = await openSqliteStore(join(folder, "belay.db"));
    const seed = randomInt(2 ** 31);
    try {
      const histories = await playRaces([replicaOver(store, systemClock())], { seed, episodes: 300, width: 30 });

      expect(unexplained(histories), `seed ${seed}`).toEqual([]);
      expect([...eventsMet(histories)]).toEqual(expect.arrayContaining(EXPECTED));
    } finally {
      await store.close();
      rmSync(folder, { recursive: true });
    }
  });

  describe("over PostgreSQL", () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startCluster();
    });
    afterAll(() => cluster.stop());

    it.each([2, 3])("are one order of decisions, with %i replicas", async (count) => {
      const url = await cluster.createDatabase();
      const stores = await Promise.all(Array.from({ length: count }, () => openPostgresStore({ url, logger })));
      const replicas = stores.map((store) => replicaOver(store, store.clock));
      const seed = randomInt(2 ** 31);
      try {
        const histories = await playRaces(replicas, { seed, episodes: 200, width: 20 });

        expect(unexplained(histories), `seed ${seed}`).toEqual([]);
        expect([...eventsMet(histories)]).toEqual(expect.arrayContaining(EXPECTED));
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    });
  });
});
