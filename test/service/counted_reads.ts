/** A service that counts what it asks its store. */
import { onTestFinished } from "vitest";
import type { ServiceOptions } from "../../src/service/create_service.ts";
import type { Store } from "../../src/store/store.ts";
import { type Database, SQLITE } from "../store/databases.ts";
import { startService, type TestService } from "./world.ts";

export interface CountedService extends TestService {
  /** How often each function of the store was called since the last `forget`. */
  readonly calls: ReadonlyMap<string, number>;
  /** The names of those that read executions or their timelines. */
  reads(): readonly string[];
  forget(): void;
}

const READ = /^(find|list|last)/;

/** Closed when the test has finished. */
export async function startCounted(
  change: Partial<ServiceOptions> = {},
  database: Database = SQLITE,
): Promise<CountedService> {
  const fresh = await database.create();
  const { store, clock } = await fresh.open("database");
  const calls = new Map<string, number>();
  const world = await startService({ clock, ...change, store: counting(store, calls) });
  onTestFinished(async () => {
    await world.close();
    await store.close();
    await fresh.remove();
  });
  return {
    ...world,
    calls,
    reads: () => [...calls.keys()].filter((name) => READ.test(name)),
    forget: () => calls.clear(),
  };
}

function counting(store: Store, calls: Map<string, number>): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
