/** What stores on one PostgreSQL tell each other, and how several processes bring it up to date. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { type Kysely, sql } from "kysely";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Notice } from "../../src/store/notices.ts";
import type { PostgresStore } from "../../src/store/postgres/open.ts";
import type { Schema } from "../../src/store/schema.ts";
import { sharedCluster } from "../postgres/shared_cluster.ts";
import { keyOfProcess, openReplicas, type Replicas, register, sent } from "./replicas.ts";

let replicas: Replicas;
let one: PostgresStore;
let other: PostgresStore;
let db: Kysely<Schema>;

beforeEach(async () => {
  replicas = await openReplicas();
  ({ one, other, db } = replicas);
});
afterEach(() => replicas.close());

describe("notices", () => {
  /** What a store is told by others, from now on. */
  function heardBy(store: PostgresStore): Notice[] {
    const heard: Notice[] = [];
    onTestFinished(store.notices!.listen((notice) => heard.push(notice)));
    return heard;
  }

  it("of a large batch come in parts that PostgreSQL takes, and name every execution; nobody hears himself", async () => {
    const [own, others] = [heardBy(one), heardBy(other)];
    const raw = new pg.Client({ connectionString: replicas.url });
    await raw.connect();
    onTestFinished(() => raw.end());
    const sizes: number[] = [];
    raw.on("notification", ({ payload = "" }) => sizes.push(Buffer.byteLength(payload)));
    await raw.query("listen belay");
    const keys = Array.from({ length: 300 }, (_, index) => keyOfProcess(`${"ä".repeat(100)}-${index}`));

    await one.apply(
      keys.map((key) => sent(key, register())),
      0,
    );

    const named = () =>
      others.flatMap((notice) => (notice.type === "changes" ? notice.changes.map(({ key }) => key) : []));
    await expect.poll(named).toHaveLength(300);
    expect(new Set(named().map(({ id }) => id)).size).toBe(300);
    expect(own.filter(({ type }) => type === "changes")).toEqual([]);
    const parts = others.filter(({ type }) => type === "changes").length;
    expect(parts).toBeGreaterThan(1);
    // Each connection is told in its own time.
    await expect.poll(() => sizes).toHaveLength(parts);
    expect(Math.max(...sizes)).toBeLessThan(8_000);
  });

  it.each([
    "rubbish",
    "",
    "null",
    "[]",
    "[1]",
    '{"a":1}',
    '["x"]',
    '["x","order"]',
    '["x","order",["default","process"],"w",1]',
    '["x","order",["default","no kind","p"],"w",1]',
    '["x","changes",[],["default"],7,[["default","process","p"],"one"]]',
  ])("that no Belay has sent are passed over: %s", async (payload) => {
    const heard = heardBy(one);

    await sql`select pg_notify('belay', ${payload})`.execute(db);
    await other.notices!.send({ type: "keys" });

    await expect.poll(() => heard.at(-1)).toEqual({ type: "keys" });
    const told = heard.filter(
      (notice) => notice.type === "order" || (notice.type === "changes" && notice.changes.length > 0),
    );
    expect(told).toEqual([]);
  });

  it("that got lost with their connection are told as missed, once it is back", async () => {
    await expect.poll(() => heardOnce(one, other)).toBe(true);
    const heard = heardBy(one);

    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'belay notices'`.execute(
      db,
    );

    await expect.poll(() => heard.filter(({ type }) => type === "missed")).toHaveLength(1);
    await expect.poll(() => heardOnce(one, other)).toBe(true);
  });

  /** True if `listener` hears what `speaker` says now. */
  async function heardOnce(listener: PostgresStore, speaker: PostgresStore): Promise<boolean> {
    const heard = Promise.withResolvers<boolean>();
    const stop = listener.notices!.listen(({ type }) => type === "keys" && heard.resolve(true));
    await speaker.notices!.send({ type: "keys" });
    const timer = setTimeout(() => heard.resolve(false), 200);
    const was = await heard.promise;
    clearTimeout(timer);
    stop();
    return was;
  }
});

describe("migrations", () => {
  it("by three processes at once are done once, and none of them fails", async () => {
    const fresh = await (await sharedCluster()).createDatabase();
    const script = `
      import { pino } from "pino";
      import { openPostgresStore } from "./src/store/postgres/open.ts";
      const store = await openPostgresStore({ url: process.argv[1], logger: pino({ level: "silent" }) });
      console.log(await store.lastSequence());
      await store.close();
    `;
    const start = () =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, fresh], {
        cwd: resolve(import.meta.dirname, "../.."),
      });

    const printed = await Promise.all([start(), start(), start()]);

    expect(printed.map(({ stdout }) => stdout)).toEqual(["0\n", "0\n", "0\n"]);
  });
});
