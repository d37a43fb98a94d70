/** Several stores on one PostgreSQL, as replicas are: whatever they do at once, it is as if it had been done one after the other. */
import fc from "fast-check";
import { type Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { type ExecutionKey, keyOf } from "../../src/domain/execution.ts";
import type { AuditEntry } from "../../src/store/audit.ts";
import type { Idempotency } from "../../src/store/idempotency.ts";
import type { PostgresStore } from "../../src/store/postgres/open.ts";
import type { Schema } from "../../src/store/schema.ts";
import type { Applied, Envelope } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { faultsOf } from "./audit_verifier.ts";
import { keyOfProcess, openReplicas, type Replicas, register, sent } from "./replicas.ts";

/** How often two things are tried at once: many races are only seen in some. */
const ROUNDS = 40;

let replicas: Replicas;
let one: PostgresStore;
let other: PostgresStore;
let db: Kysely<Schema>;

beforeEach(async () => {
  replicas = await openReplicas();
  ({ one, other, db } = replicas);
});
afterEach(() => replicas.close());

const CLAIM = { workerId: "w-1", leaseDuration: 60_000 };

function outcomeOf([applied]: readonly Applied[]): string {
  const { reply } = applied!;
  return reply.accepted ? reply.disposition : reply.refusal.reason;
}

function commandId(id: string, change: Partial<Idempotency> = {}): Idempotency {
  return { principal: "p", method: "M", commandId: id, fingerprint: "f", ...change };
}

describe("two replicas at once", () => {
  it("register one execution of an id, and tell the second one of the first", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = keyOfProcess(`p-${round}`);

      const answers = await Promise.all([
        one.apply([sent(key, register({ spec: specWith({ detail: { by: "one" } }) }))], 0),
        other.apply([sent(key, register({ spec: specWith({ detail: { by: "other" } }) }))], 0),
      ]);

      expect(answers.map(outcomeOf).sort()).toEqual(["applied", "execution_exists"]);
    }
    const { rows } = await sql<{ n: number }>`select count(*) as n from event`.execute(db);
    expect(rows).toEqual([{ n: ROUNDS }]);
  });

  it("register one execution under a minted id for one command", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const idempotency = commandId(`c-${round}`, { isMinting: true });

      const [[first], [second]] = await Promise.all([
        one.apply([sent(keyOfProcess(`a-${round}`), register(), { idempotency })], 0),
        other.apply([sent(keyOfProcess(`b-${round}`), register(), { idempotency })], 0),
      ]);

      expect(second!.execution).toEqual(first!.execution);
      expect([first!.replay, second!.replay].filter((replay) => replay === null)).toHaveLength(1);
    }
    const { rows } = await sql<{ n: number }>`select count(*) as n from execution`.execute(db);
    expect(rows).toEqual([{ n: ROUNDS }]);
  });

  it("give one answer to one command id, and refuse another request under it", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = keyOfProcess(`p-${round}`);
      await one.apply([sent(key, register({ claim: CLAIM }))], 0);
      const cancel = (cancellationId: string, fingerprint: string) =>
        sent(key, cancelWith({ cancellationId }), { idempotency: commandId("c", { fingerprint }) });

      const [[first], [second], [third]] = await Promise.all([
        one.apply([cancel(`1-${round}`, "f")], 0),
        other.apply([cancel(`2-${round}`, "f")], 0),
        one.apply([cancel(`3-${round}`, "another")], 0),
      ]);

      const fates = [first, second, third].map((applied) => outcomeOf([applied!]));
      // Whichever request came first, it has the id.
      expect([
        ["applied", "applied", "idempotency_key_reused"],
        ["idempotency_key_reused", "idempotency_key_reused", "applied"],
      ]).toContainEqual(fates);
      const events = await timelineOf(key);
      expect(events.filter((type) => type === "cancellation_requested")).toHaveLength(1);
    }
  });

  it("let a cancel or a completion win, and tell the loser", async () => {
    const winners = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = keyOfProcess(`p-${round}`);
      await one.apply([sent(key, register({ claim: CLAIM }))], 0);
      const stores = round % 2 === 0 ? [one, other] : [other, one];

      const [cancelled, completed] = await Promise.all([
        stores[0]!.apply([sent(key, cancelWith({ cancellationId: `c-${round}`, strategy: "soft" }))], 0),
        stores[1]!.apply([sent(key, { type: "complete", token: 1, result: null, outcomeId: null })], 0),
      ]);

      const { state } = (await one.findExecution(key))!;
      winners.add(state);
      if (state === "completed") {
        expect([outcomeOf(cancelled), outcomeOf(completed)]).toEqual(["already_finished", "applied"]);
      } else {
        expect([state, outcomeOf(cancelled)]).toEqual(["cancelled", "applied"]);
        expect(completed[0]!.reply.accepted).toBe(false);
      }
    }
    expect(winners.size).toBeGreaterThan(0);
  });

  it("never leave out of a cancellation a child that was registered meanwhile", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const parent: ExecutionKey = { tenant: "default", kind: "process_instance", id: `${round}0` };
      const child: ExecutionKey = { ...parent, id: `${round}1` };
      await one.apply([sent(parent, register({ claim: CLAIM }))], 0);

      const [, registered] = await Promise.all([
        one.apply([sent(parent, cancelWith({ cancellationId: `c-${round}` }))], 0),
        other.apply([sent(child, register({ spec: specWith({ parent }) }))], 0),
      ]);

      const isCascaded = (await effectsOf(parent)).includes("cancel_children");
      expect([
        ["applied", true],
        ["parent_not_live", false],
      ]).toContainEqual([outcomeOf(registered), isCascaded]);
    }
  });
});

async function timelineOf(key: ExecutionKey): Promise<string[]> {
  const all = { key, cancellationId: null, afterSequence: 0, upToSequence: null, limit: 1_000 };
  return (await one.listEvents(all)).map(({ type }) => type);
}

async function effectsOf({ tenant, kind, id }: ExecutionKey): Promise<string[]> {
  const { rows } = await sql<{ type: string }>`
    select effect_json::json ->> 'type' as type from effect join execution on execution.rid = effect.execution_rid
    where execution.tenant = ${tenant} and execution.kind = ${kind} and execution.id = ${id}
  `.execute(db);
  return rows.map(({ type }) => type);
}

describe("many batches of several replicas over few executions", () => {
  const ids = fc.constantFrom("1", "2", "3", "4", "5", "6");
  const anyKey = ids.map((id): ExecutionKey => ({ tenant: "default", kind: "process_instance", id }));
  let minted = 0;
  const anyCommand: fc.Arbitrary<Command> = fc.oneof(
    fc.option(ids, { freq: 1 }).map((id) => {
      const parent = id === null ? null : ({ kind: "process_instance", id } as const);
      return register({ spec: specWith({ parent, labels: { team: "a" } }), claim: CLAIM });
    }),
    fc.constantFrom("soft" as const, "hard" as const, "soft_then_force" as const).map((strategy): Command => {
      minted += 1;
      return cancelWith({ cancellationId: `c-${minted}`, strategy });
    }),
    fc.nat(3).map((token): Command => ({ type: "heartbeat", token })),
    fc.nat(3).map((token): Command => ({ type: "complete", token, result: null, outcomeId: null })),
    fc.nat(3).map((token): Command => ({ type: "report_stopped", token, evidence: "gone" })),
    fc.constant<Command>({ type: "start", claim: { workerId: "w-2", leaseDuration: 60_000 } }),
  );
  const call = { action: "A", principal: "p", name: "n", address: "192.0.2.1", requestId: "r" };
  const anyEnvelope = fc
    .record({ key: anyKey, command: anyCommand, commandId: fc.option(fc.nat(20), { freq: 2 }), audited: fc.boolean() })
    .map(({ key, command, commandId: id, audited }) =>
      sent(key, command, {
        idempotency: id === null ? null : commandId(`${command.type}-${id}`),
        audit: audited ? call : null,
      }),
    );
  const anyBatch = fc.array(anyEnvelope, { minLength: 1, maxLength: 12 });

  it("all come through, without a deadlock, and number the events of each execution in the order of their commits", async () => {
    const third = await replicas.open();
    const stores = [one, other, third];
    const batches = fc.sample(anyBatch, { numRuns: 240, seed: 7 });

    const answers = await Promise.all(
      stores.map(async (store, index) => {
        const own: Applied[] = [];
        for (let at = index; at < batches.length; at += stores.length)
          own.push(...(await store.apply(batches[at]!, 0)));
        return own;
      }),
    );

    const perExecution = Map.groupBy(
      answers.flatMap((own) => own.flatMap(({ events }) => events)),
      ({ key }) => keyOf(key),
    );
    expect(perExecution.size).toBeGreaterThan(3);
    for (const events of perExecution.values()) {
      const ordered = events.toSorted((first, second) => first.sequence - second.sequence);
      expect(ordered[0]?.type).toBe("registered");
      // Told by the one clock while the execution is locked.
      const times = ordered.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((first, second) => first - second));
      expect(await timelineOf(ordered[0]!.key)).toEqual(ordered.map(({ type }) => type));
    }
    for (const own of answers) {
      for (const events of Map.groupBy(
        own.flatMap((applied) => applied.events),
        ({ key }) => keyOf(key),
      ).values()) {
        const sequences = events.map(({ sequence }) => sequence);
        expect(sequences).toEqual(sequences.toSorted((first, second) => first - second));
      }
    }
    await expectWholeLog(
      batches.flat().filter(({ command, audit }) => command.type === "cancel" && audit !== null).length,
    );
    await third.close();
    await replicas.close();
    replicas = await openReplicas();
    // Counted when connections end, at the latest.
    const { rows } = await sql`
      select sum(deadlocks)::bigint as deadlocks, sum(conflicts)::bigint as conflicts from pg_stat_database
    `.execute(replicas.db);
    expect(rows).toEqual([{ deadlocks: 0, conflicts: 0 }]);
  });
});

async function expectWholeLog(count: number): Promise<void> {
  const filter = { execution: null, principal: "", from: null, to: null, refusedOnly: false };
  const { events } = await one.audit.list("default", filter, 0, 10_000);
  const links = events.map(({ at, execution, ...event }) => ({
    ...event,
    time: at,
    kind: execution?.kind ?? "",
    executionId: execution?.id ?? "",
  }));
  expect(faultsOf(links)).toEqual([]);
  expect(events).toHaveLength(count);
}

describe("the audit log of two writers", () => {
  it("is one chain a tenant, whatever either of them writes at once", async () => {
    const entry: AuditEntry = {
      action: "A",
      principal: "p",
      name: "n",
      address: "a",
      requestId: "r",
      tenant: "default",
      requestedBy: "",
      execution: null,
      reason: "",
      outcome: "REFUSED",
      message: "m",
      cancellationId: "",
      count: 1,
    };
    const tenants = ["default", "b", "a", "c"];

    await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const own = index % 2 === 0 ? tenants : tenants.toReversed();
        const store = index % 2 === 0 ? one : other;
        return store.audit.append(
          own.map((tenant) => ({ ...entry, tenant })),
          index,
        );
      }),
    );

    await expectWholeLog(60);
  });
});

describe("effects", () => {
  /** Executions whose lease ends at once, as far as the outbox is concerned. */
  async function oweMany(count: number): Promise<void> {
    const claim = { workerId: "w-1", leaseDuration: 1 };
    await one.apply(
      Array.from({ length: count }, (_, index) => sent(keyOfProcess(`p-${index}`), register({ claim }))),
      0,
    );
  }

  it("that are due go to one of those who claim at once", async () => {
    await oweMany(300);
    const now = Date.now() + 60_000;

    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? one : other).claimEffects(now, now + 30_000, 50)),
    );

    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    // Whoever passes over what another one takes just then may come away with less.
    const rest = await one.claimEffects(now, now + 30_000, 1_000);
    expect(ids.length + rest.length).toBe(300);
  });

  it("whose claim has ended are taken over, and the one that comes late changes nothing", async () => {
    await oweMany(1);
    const key = keyOfProcess("p-0");
    const now = Date.now() + 60_000;
    const [late] = await one.claimEffects(now, now + 1_000, 10);
    expect(await other.claimEffects(now + 999, now + 30_000, 10)).toEqual([]);
    const [taken] = await other.claimEffects(now + 1_000, now + 30_000, 10);
    expect(taken).toEqual(late);
    const carryOut: Envelope = sent(key, { type: "lease_due", token: 1 }, { effectId: late!.id });

    const [done] = await other.apply([carryOut], 0);
    const [again] = await one.apply([carryOut], 0);

    expect(done!.events.map(({ type }) => type)).toEqual(["lease_expired"]);
    expect(again).toEqual({
      reply: { accepted: true, disposition: "unchanged" },
      execution: done!.execution,
      events: [],
      effects: [],
      replay: null,
      upToSequence: null,
    });
    expect(await timelineOf(key)).toEqual(["registered", "started", "lease_expired"]);
  });

  it("that two carry out at once are carried out once", async () => {
    await oweMany(ROUNDS);
    const owed = await one.claimEffects(Date.now() + 60_000, Date.now() + 90_000, ROUNDS);

    for (const { id, key } of owed) {
      const carryOut = sent(key, { type: "lease_due", token: 1 }, { effectId: id });
      await Promise.all([one.apply([carryOut], 0), other.apply([carryOut], 0)]);

      expect(await timelineOf(key)).toEqual(["registered", "started", "lease_expired"]);
    }
  });
});
