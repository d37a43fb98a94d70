/** PostgreSQL that is away, or can't work: a clear error while it lasts, nothing lost that was acknowledged, and on as soon as it can. */
import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import { openPostgresStore, type PostgresOptions, type PostgresStore } from "../../src/store/postgres/open.ts";
import type { Envelope, Store } from "../../src/store/store.ts";
import { specWith } from "../domain/executions.ts";
import { type Cluster, startCluster } from "../postgres/cluster.ts";
import { startSilentProxy } from "../postgres/silent_proxy.ts";

const logger = pino({ level: "silent" });

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

let url: string;
/** Not the store's. */
let admin: pg.Client;
beforeEach(async () => {
  url = await cluster.createDatabase();
  admin = await connect();
});
afterEach(async () => {
  await admin.end();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // The tests end servers and connections.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function openFor(change: Partial<PostgresOptions> = {}): Promise<PostgresStore> {
  const store = await openPostgresStore({ url, logger, ...change });
  onTestFinished(() => store.close());
  return store;
}

function registration(id: string): Envelope {
  const key: ExecutionKey = { tenant: "default", kind: "process", id };
  const command = { type: "register", spec: specWith(), queueItems: [], claim: null } as const;
  return { key, command, idempotency: null, effectId: null, audit: null };
}

async function register(store: Store, id: string): Promise<void> {
  await store.apply([registration(id)], 0);
}

async function isThere(store: Store, id: string): Promise<boolean> {
  return (await store.findExecution({ tenant: "default", kind: "process", id })) !== null;
}

function unavailable(cause = ".*") {
  return { refusal: { reason: "store_unavailable", metadata: { cause: expect.stringMatching(`^(${cause})$`) } } };
}

/** Ends all connections to the database but this one. */
async function breakAll(): Promise<void> {
  await admin.query(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
  `);
}

/** Ends with the name of the database. */
const database = () => new URL(url).pathname.slice(1);

describe("opening a store", () => {
  it("on a server that is away ends soon, and says where it is not, without the password", async () => {
    const away = openPostgresStore({ url: "postgres://belay:hunter2@127.0.0.1:1/belay", logger });

    await expect(away).rejects.toThrow(
      /can't open the database postgres:\/\/belay@127\.0\.0\.1:1\/belay: .*ECONNREFUSED/,
    );
    await expect(away).rejects.not.toThrow(/hunter2/);
  });

  it("on a database that is not there says so", async () => {
    const missing = openPostgresStore({ url: url.replace(database(), "nowhere"), logger });

    await expect(missing).rejects.toThrow(/database "nowhere" does not exist/);
  });

  it("with a wrong password says so, and does not repeat it", async () => {
    await admin.query("create role guarded login password 'right'");
    await admin.query(`grant all on database ${database()} to guarded; grant all on schema public to guarded`);
    const { rows } = await admin.query<{ hba_file: string }>("show hba_file");
    const rules = ["host all guarded 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 trust"];
    await admin.query(`copy (select unnest('{${rules.join(",")}}'::text[])) to '${rows[0]!.hba_file}'`);
    await admin.query("select pg_reload_conf()");
    const as = (password: string) => url.replace("belay@", `guarded:${password}@`);

    await expect
      .poll(() => openPostgresStore({ url: as("wrong"), logger }).then((store) => store.close(), String))
      .toMatch(/can't open the database postgres:\/\/guarded@.*: password authentication failed for user "guarded"$/);
    await (await openPostgresStore({ url: as("right"), logger })).close();
  });

  it("on one that takes no connections any more says so", async () => {
    await admin.query("create role crowded login connection limit 0");

    const full = openPostgresStore({ url: url.replace("belay@", "crowded@"), logger });

    await expect(full).rejects.toThrow(/can't open the database .*: too many connections for role "crowded"/);
  });

  it("on a read-only standby says what would be right", async () => {
    await admin.query(`alter database ${database()} set default_transaction_read_only = on`);

    await expect(openPostgresStore({ url, logger })).rejects.toThrow(/read-only.* give the address of the primary/);
  });

  it("on one that is newer than the program says what would be right", async () => {
    await (await openPostgresStore({ url, logger })).close();
    await admin.query("insert into kysely_migration values ('9999_future', '2026-01-01T00:00:00.000Z')");

    await expect(openPostgresStore({ url, logger })).rejects.toThrow(/newer than this program, .*9999_future/);
  });

  it("leaves no connection behind where it failed", async () => {
    await (await openPostgresStore({ url, logger })).close();
    await admin.query("insert into kysely_migration values ('9999_future', '2026-01-01T00:00:00.000Z')");

    await expect(openPostgresStore({ url, logger })).rejects.toThrow();

    await expect.poll(connections).toBe(0);
  });
});

/** How many there are of Belay to this database. */
async function connections(): Promise<number> {
  const { rows } = await admin.query<{ count: string }>(
    "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'belay%'",
  );
  return Number(rows[0]!.count);
}

describe("a database that goes away", () => {
  it("fails calls at once as unavailable, keeps what was acknowledged, and is back without help", async () => {
    const store = await openFor();
    await register(store, "p-1");
    await cluster.kill();

    const calls = [register(store, "p-2"), isThere(store, "p-1"), store.claimEffects(0, 1, 1), store.health.check()];
    const answers = await Promise.allSettled(calls);

    for (const answer of answers) expect(answer).toMatchObject({ status: "rejected", reason: unavailable() });

    await cluster.start();
    await store.health.check();
    expect([await isThere(store, "p-1"), await isThere(store, "p-2")]).toEqual([true, false]);
    await register(store, "p-2");
    expect(await isThere(store, "p-2")).toBe(true);
  });

  it("in the middle of a transaction leaves no half of it", async () => {
    let isArmed = false;
    const faults: PostgresOptions["faults"] = {
      reach: async (point) => {
        if (point !== "store.before_commit" || !isArmed) return;
        isArmed = false;
        await cluster.kill();
      },
    };
    const store = await openFor({ faults });
    isArmed = true;

    const both = store.apply([registration("p-1"), registration("p-2")], 0);

    await expect(both).rejects.toMatchObject(unavailable());
    await cluster.start();
    await store.health.check();
    expect([await isThere(store, "p-1"), await isThere(store, "p-2")]).toEqual([false, false]);
    await store.apply([registration("p-1"), registration("p-2")], 0);
    expect([await isThere(store, "p-1"), await isThere(store, "p-2")]).toEqual([true, true]);
  });

  it("right after a commit has kept the change", async () => {
    const faults: PostgresOptions["faults"] = {
      reach: async (point) => {
        if (point === "store.after_commit") await breakAll();
      },
    };
    const store = await openFor({ faults });

    await register(store, "p-1");

    await expect.poll(() => isThere(store, "p-1").catch(causeOf)).toBe(true);
  });

  it("breaks one connection: the call on it fails as unavailable, the next one works", async () => {
    const store = await openFor();
    await register(store, "p-1");
    const blocker = await connect();
    await blocker.query("begin; lock table execution in access exclusive mode");
    const broken = expect(register(store, "p-2")).rejects.toMatchObject(unavailable());
    await expect.poll(() => waitsForLock()).toBe(true);

    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");

    await broken;
    await blocker.query("rollback");
    await register(store, "p-2");
    await blocker.end();
  });

  it("that was switched over to a standby refuses changes as unavailable, shows what there is, and is ready again afterwards", async () => {
    const store = await openFor();
    await register(store, "p-1");
    await admin.query(`alter database ${database()} set default_transaction_read_only = on`);
    await breakAll();

    await expect.poll(() => store.health.check().catch(causeOf)).toBe("25006");
    await expect.poll(() => register(store, "p-2").catch(causeOf)).toBe("25006");
    expect(await isThere(store, "p-1")).toBe(true);

    await admin.query("set default_transaction_read_only = off");
    await admin.query(`alter database ${database()} set default_transaction_read_only = off`);
    await breakAll();
    await expect.poll(() => store.health.check().catch(causeOf)).toBeUndefined();
    await expect.poll(() => register(store, "p-2").catch(causeOf)).toBeUndefined();
  });
});

function causeOf(error: { refusal?: { metadata: { cause: string } } }): string {
  return error.refusal?.metadata.cause ?? String(error);
}

async function waitsForLock(): Promise<boolean> {
  const { rows } = await admin.query(
    "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows.length > 0;
}

describe("a statement that takes too long", () => {
  it("is cut off, and its call fails as unavailable", async () => {
    const store = await openFor();
    const blocker = await connect();
    await blocker.query("begin; lock table execution in access exclusive mode");
    const cutOff = expect(isThere(store, "p-1")).rejects.toMatchObject(unavailable("57014"));
    await expect.poll(() => waitsForLock()).toBe(true);

    // What the server does itself after 10 seconds.
    await admin.query("select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");

    await cutOff;
    await blocker.end();
  });

  it("has a limit on every connection, and so has a transaction that does nothing", async () => {
    const store = await openFor();
    await isThere(store, "p-1");
    const { rows } = await admin.query("select current_setting('statement_timeout') as own");

    expect(rows).toEqual([{ own: "0" }]);
    const shown = await settingsOfStore(store);
    expect(shown).toEqual({ statement_timeout: "10s", idle_in_transaction_session_timeout: "5s" });
  });
});

/** What holds on the connections of a store, as one of them writes it down. */
async function settingsOfStore(store: Store): Promise<unknown> {
  await admin.query("create table seen (statement_timeout text, idle_in_transaction_session_timeout text)");
  await admin.query(`
    create function look() returns trigger language plpgsql as $$ begin
      insert into seen values (current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'));
      return new;
    end $$
  `);
  await admin.query("create trigger look after insert on execution for each row execute function look()");
  await register(store, "settings");
  return (await admin.query("select * from seen")).rows[0];
}

describe("more connections than there may be", () => {
  it("fail the calls that find none as unavailable, and only those", async () => {
    await admin.query("create role busy login connection limit 3");
    await admin.query(`grant all on database ${database()} to busy; grant all on schema public to busy`);
    const store = await openFor({ url: url.replace("belay@", "busy@") });
    await register(store, "p-1");

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => isThere(store, "p-1")));

    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(20);
    for (const error of failed) expect(error).toMatchObject(unavailable("53300"));
    expect(await isThere(store, "p-1")).toBe(true);
  });
});

describe("a database that goes silent", () => {
  it("keeps nobody waiting for long, then nobody at all, and is back without help", async () => {
    const proxy = await startSilentProxy(url);
    onTestFinished(() => proxy.close());
    const store = await openFor({ url: proxy.url });
    await register(store, "p-1");
    proxy.silence();

    const underWay = register(store, "p-2");
    const [check] = await Promise.allSettled([
      store.health.check(),
      expect(underWay).rejects.toMatchObject(unavailable()),
    ]);
    const before = performance.now();
    await expect(register(store, "p-3")).rejects.toMatchObject(unavailable());
    await expect(isThere(store, "p-1")).rejects.toMatchObject(unavailable());

    expect(check).toMatchObject({ status: "rejected", reason: unavailable() });
    expect(performance.now() - before).toBeLessThan(100);
    proxy.speak();
    await expect.poll(() => store.health.check().catch(causeOf), { timeout: 10_000 }).toBeUndefined();
    expect(await isThere(store, "p-1")).toBe(true);
    await register(store, "p-3");
  });
});
