/** A server that is killed while it makes a batch operation, which takes many transactions: nobody was told of it yet. */
import BetterSqlite3 from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { fillStore } from "../../bench/scale/fill_store.ts";
import { PREPARING } from "../../src/store/batch_operation_lists.ts";
import { startBelay } from "../cli/belay_command.ts";
import { databaseFile } from "../store/database_file.ts";

/** Enough for the making to take some tenths of a second. */
const EXECUTIONS = 30_000;

const file = databaseFile();

async function serve() {
  const { process, ended, prints } = startBelay(["serve", "--port", "0", "--db", file.path, "--log-level", "error"]);
  const kill = async (): Promise<void> => {
    process.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  const [, url = ""] = await prints(/^belay: listening on (https?:\S+)/m);
  return { url, kill };
}

async function cancelAll(url: string): Promise<string> {
  const response = await fetch(`${url}/v2/process-instances/cancellation`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": "all-of-them" },
    body: JSON.stringify({ filter: { processDefinitionId: "orders" } }),
  });
  const text = await response.text();
  return /"batchOperationKey":"(\d+)"/.exec(text)?.[1] ?? text;
}

/** The batch operations in the file, with their items, whatever a server would show of them. */
function stored(): { state: string; items: number }[] {
  const database = new BetterSqlite3(file.path, { readonly: true });
  try {
    return database
      .prepare<[], { state: string; items: number }>(
        `select state, (select count(*) from batch_item where batch_rid = batch_operation.rid) as items
         from batch_operation`,
      )
      .all();
  } finally {
    database.close();
  }
}

it("leaves nothing of it behind, and the same command makes it", async () => {
  await fillStore(file.path, { executions: EXECUTIONS, held: 0 });
  const first = await serve();
  const answered = cancelAll(first.url).catch(() => "nothing");
  await expect.poll(() => stored()[0]?.items ?? 0, { interval: 2 }).toBeGreaterThan(0);
  await first.kill();
  expect(await answered).toBe("nothing");
  const [left] = stored();
  expect(left?.state).toBe(PREPARING);
  expect(left?.items).toBeLessThan(EXECUTIONS);

  const second = await serve();
  const key = await cancelAll(second.url);
  expect(key).toMatch(/^[0-9]+$/);
  expect(await cancelAll(second.url)).toBe(key);
  await expect.poll(stored, { timeout: 15_000 }).toEqual([{ state: "completed", items: EXECUTIONS }]);
});
