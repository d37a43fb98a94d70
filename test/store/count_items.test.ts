import BetterSqlite3 from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { expect, it, onTestFinished } from "vitest";
import type { BatchItemState } from "../../src/domain/batch_operation.ts";
import { createItemCounter } from "../../src/store/count_items.ts";
import type { Schema } from "../../src/store/schema.ts";

/** A counter of the items of batch operation 1, each count of which takes `takes` milliseconds. */
function openCounter({ takes }: { readonly takes: number }) {
  const database = new BetterSqlite3(":memory:");
  database.exec("create table batch_item (batch_rid integer, execution_rid integer, state text)");
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database }) });
  onTestFinished(() => db.destroy());
  let time = 0;
  let items = 0;
  const countItems = createItemCounter(db, () => {
    time += takes;
    return time;
  });
  return {
    add(state: BatchItemState): void {
      items += 1;
      database.prepare("insert into batch_item values (1, ?, ?)").run(items, state);
    },
    pass(milliseconds: number): void {
      time += milliseconds;
    },
    count: (endedAt: number | null = null) => countItems({ rid: 1, ended_at: endedAt }),
  };
}

it("counts anew each time where that is quick", async () => {
  const { add, count } = openCounter({ takes: 1 });
  add("pending");
  expect(await count()).toEqual({ pending: 1, active: 0, completed: 0, failed: 0, cancelled: 0 });
  add("failed");
  expect(await count()).toEqual({ pending: 1, active: 0, completed: 0, failed: 1, cancelled: 0 });
});

it("tells what it counted last for twenty times as long as it took, where counting takes long", async () => {
  const { add, count, pass } = openCounter({ takes: 10 });
  add("pending");
  expect(await count()).toMatchObject({ pending: 1 });
  add("pending");
  pass(150);
  expect(await count()).toMatchObject({ pending: 1 });
  pass(50);
  expect(await count()).toMatchObject({ pending: 2 });
});

it("counts exactly what a batch operation came to that has ended", async () => {
  const { add, count } = openCounter({ takes: 10 });
  add("completed");
  expect(await count()).toMatchObject({ completed: 1 });
  add("completed");
  expect(await count(1_000)).toMatchObject({ completed: 2 });
  // And does not go back to what it knew before.
  add("completed");
  expect(await count()).toMatchObject({ completed: 3 });
});
