/** Whether the database can be written. */
import type { Database } from "better-sqlite3";
import type { Guard } from "../guard.ts";
import type { StoreHealth } from "../store_health.ts";
import type { HealthProbes } from "./writer.ts";

/** @param database the writing connection */
export function createHealthProbes(database: Database): HealthProbes {
  const look = database.prepare("select 1 from execution limit 1");
  return {
    read: async () => {
      look.get();
    },
    write: async () => {
      // The number is Belay's to set, means nothing, and is written even if it is the same.
      database.pragma("user_version = 1");
    },
  };
}

export function createSqliteHealth(probes: HealthProbes, { guard, onTrouble }: Guard): StoreHealth {
  /** While all goes well it is enough to look: a write waits for the disk, and so would all others behind it. */
  let isDoubtful = false;
  onTrouble(() => {
    isDoubtful = true;
  });
  const { check } = guard({
    check: async () => {
      if (!isDoubtful) return probes.read();
      await probes.write();
      isDoubtful = false;
    },
  });
  return { check, onTrouble };
}
