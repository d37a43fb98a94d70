import { EventEmitter, once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import type { Delivery, Engine } from "../../src/engines/engine.ts";
import { DATABASES } from "../store/databases.ts";
import { cancelOf, FOREVER, keyOfKind, registration, startService } from "./world.ts";

/** More than are carried out at once, and than wait in memory for their turn. */
const MANY = 5_000;

const DELIVERED: Delivery = { type: "delivered" };

/** Takes no order until it is released, and tells which executions it was told to stop. */
function stuckEngine() {
  const released = Promise.withResolvers<void>();
  const told = new EventEmitter();
  const stopped: string[] = [];
  const engine: Engine = {
    name: "stuck",
    describe: async () => ({ status: "running", detail: "" }),
    requestStop: async ({ key }) => {
      await released.promise;
      stopped.push(key.id);
      if (stopped.length >= MANY) told.emit("all");
      return DELIVERED;
    },
    terminate: async () => DELIVERED,
  };
  return { engine, stopped, allTold: () => once(told, "all"), release: () => released.resolve() };
}

it.each(DATABASES)(
  "carries out every effect once and without delay, also those for which there was no room, over $name",
  async (database) => {
    const { engine, stopped, allTold, release } = stuckEngine();
    const world = await startService({ engines: [engine] }, database);
    onTestFinished(() => world.close());
    const keys = Array.from({ length: MANY }, (_, number) => keyOfKind("process", `p-${number}`));
    await Promise.all(keys.map((key) => world.service.register(registration(key, "w", { engine: "stuck" }))));
    await Promise.all(keys.map((key) => world.service.cancel(cancelOf(key), FOREVER)));

    const all = allTold();
    release();
    // The store would hand them out again by itself, but only when their claim ends, after 30 seconds.
    await all;

    expect(stopped).toHaveLength(MANY);
    expect(new Set(stopped).size).toBe(MANY);
  },
);
