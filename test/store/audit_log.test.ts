import fc from "fast-check";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KINDS } from "../../src/domain/execution.ts";
import type { AuditCall, AuditEntry, AuditEvent, AuditFilter } from "../../src/store/audit.ts";
import type { Envelope, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { faultsOf, hashOf, type Link } from "./audit_verifier.ts";
import { DATABASES, type Database, openStore, type StoreUnderTest } from "./databases.ts";

let test: StoreUnderTest;
let store: Store;

const TENANTS = ["acme", "globex"] as const;
const ALL: AuditFilter = { execution: null, principal: "", from: null, to: null, refusedOnly: false };

/** Whatever a caller may send: half characters, controls, quotes, nothing. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("", "\ud83e", '"\\\n\u0000\u2028'),
);

const anyCall: fc.Arbitrary<AuditCall> = fc.record({
  action: fc.constantFrom("CancelProcess", "RevokeKey"),
  principal: anyText,
  name: anyText,
  address: fc.ipV6(),
  requestId: anyText,
});

const anyEntry: fc.Arbitrary<AuditEntry> = fc
  .record({
    call: anyCall,
    tenant: fc.constantFrom(...TENANTS),
    requestedBy: anyText,
    execution: fc.option(fc.record({ kind: fc.constantFrom(...KINDS), id: anyText })),
    reason: anyText,
    outcome: anyText,
    message: anyText,
    cancellationId: anyText,
    count: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .map(({ call, ...rest }) => ({ ...call, ...rest }));

/** A cancel of an execution that may be there, or not. */
const anyCancel: fc.Arbitrary<Envelope> = fc
  .record({
    tenant: fc.constantFrom(...TENANTS),
    id: fc.constantFrom("p-1", "p-2", "unknown"),
    strategy: fc.constantFrom("soft" as const, "hard" as const),
    reason: anyText,
    audit: anyCall,
    commandId: fc.option(fc.constantFrom("one", "two")),
    fingerprint: fc.constantFrom("f", "g"),
  })
  .map(({ tenant, id, strategy, reason, audit, commandId, fingerprint }) => ({
    key: { tenant, kind: "process", id },
    command: cancelWith({ cancellationId: crypto.randomUUID(), strategy, reason }),
    idempotency: commandId === null ? null : { principal: "p", method: "CancelProcess", commandId, fingerprint },
    effectId: null,
    audit,
  }));

type Step =
  | { readonly does: "append"; readonly entries: readonly AuditEntry[]; readonly fails: boolean }
  | { readonly does: "cancel"; readonly envelopes: readonly Envelope[]; readonly fails: boolean }
  | { readonly does: "restart" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    does: fc.constant("append" as const),
    entries: fc.array(anyEntry, { minLength: 1, maxLength: 4 }),
    fails: fc.boolean(),
  }),
  fc.record({
    does: fc.constant("cancel" as const),
    envelopes: fc.array(anyCancel, { minLength: 1, maxLength: 4 }),
    fails: fc.boolean(),
  }),
  fc.record({ does: fc.constant("restart" as const) }),
);

/** The database refuses what has this request id: the transaction that it comes in is rolled back, whatever came before it. */
const POISON = "poison";

async function poison({ name }: Database): Promise<void> {
  if (name === "SQLite") {
    await sql`
      create trigger poison before insert on audit_event when new.request_id = ${sql.lit(POISON)}
      begin select raise(abort, 'no'); end
    `.execute(test.db);
  } else {
    await sql`create function poison() returns trigger language plpgsql as $$ begin raise 'no'; end $$`.execute(
      test.db,
    );
    await sql`
      create trigger poison before insert on audit_event for each row when (new.request_id = ${sql.lit(POISON)})
      execute function poison()
    `.execute(test.db);
  }
}

async function reopen(): Promise<void> {
  await test.reopen();
  store = test.store;
}

/** What a text becomes that no database could keep. */
function kept(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\ufffd");
}

/** What the log must hold after the step, in order; nothing where the step was rolled back. */
async function take(step: Step, now: number): Promise<readonly Pick<AuditEntry, "tenant" | "requestId">[]> {
  switch (step.does) {
    case "restart":
      await reopen();
      return [];
    case "append": {
      const [first] = step.entries;
      const entries = step.fails ? [...step.entries, { ...first!, requestId: POISON }] : step.entries;
      const done = store.audit.append(entries, now);
      if (!step.fails) await done;
      else await expect(done).rejects.toThrow();
      return step.fails ? [] : entries;
    }
    case "cancel": {
      const [first] = step.envelopes;
      const poisoned = { ...first!, audit: { ...first!.audit!, requestId: POISON } };
      const envelopes = step.fails ? [...step.envelopes, poisoned] : step.envelopes;
      const done = store.apply(envelopes, now);
      if (!step.fails) await done;
      else await expect(done).rejects.toThrow();
      const asked = envelopes.map(({ key, audit }) => ({ tenant: key.tenant, requestId: audit!.requestId }));
      return step.fails ? [] : asked;
    }
  }
}

/** Ways to write over an event that are no update. PostgreSQL's is one. */
const REPLACEMENTS = {
  SQLite: ["insert or replace into audit_event select * from audit_event where number = 2"],
  PostgreSQL: [
    "insert into audit_event select * from audit_event where number = 2 on conflict (tenant, number) do update set reason = ''",
  ],
};

async function logOf(tenant: string): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let after = 0, hasMore = true; hasMore; ) {
    const page = await store.audit.list(tenant, ALL, after, 7);
    events.push(...page.events);
    after = page.lastNumber;
    hasMore = page.hasMore;
  }
  return events;
}

function linkOf({ at, execution, ...event }: AuditEvent): Link {
  return { ...event, time: at, kind: execution?.kind ?? "", executionId: execution?.id ?? "" };
}

async function registerAll(): Promise<void> {
  const envelopes = TENANTS.flatMap((tenant) =>
    ["p-1", "p-2"].map((id): Envelope => {
      const command = { type: "register", spec: specWith(), queueItems: [], claim: null } as const;
      return { key: { tenant, kind: "process", id }, command, idempotency: null, effectId: null, audit: null };
    }),
  );
  await store.apply(envelopes, 1);
}

describe.each(DATABASES)("over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  describe("the chain", () => {
    it("fits after any entries in any batches, of which some were rolled back, over restarts too", async () => {
      await registerAll();
      await poison(database);
      // One log for all runs: it only grows.
      const written: Pick<AuditEntry, "tenant" | "requestId">[] = [];
      let now = 1_000;

      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 8 }), async (steps) => {
          for (const step of steps) {
            now += 1;
            written.push(...(await take(step, now)));
          }

          for (const tenant of TENANTS) {
            const log = await logOf(tenant);
            const own = written.filter((entry) => entry.tenant === tenant);
            expect(faultsOf(log.map(linkOf))).toEqual([]);
            expect(log.map(({ requestId }) => requestId)).toEqual(own.map(({ requestId }) => kept(requestId)));
          }
        }),
        { numRuns: 40 },
      );
    });
  });

  describe("a log of which one thing was changed", () => {
    const anyLog = fc.array(anyEntry, { minLength: 3, maxLength: 6 });

    /** The log of one tenant with these entries, as it is read back. */
    async function written(entries: readonly AuditEntry[]): Promise<Link[]> {
      const tenant = crypto.randomUUID();
      await store.audit.append(
        entries.map((entry) => ({ ...entry, tenant })),
        1_700_000_000_000,
      );
      return (await logOf(tenant)).map(linkOf);
    }

    const FIELDS = Object.keys(
      linkOf({
        number: 0,
        at: 0,
        hash: "",
        previousHash: "",
        tenant: "",
        action: "",
        principal: "",
        name: "",
        address: "",
        requestedBy: "",
        execution: null,
        reason: "",
        outcome: "",
        message: "",
        cancellationId: "",
        requestId: "",
        count: 0,
      }),
    ).filter((field) => field !== "tenant") as (keyof Link)[];

    it.each(FIELDS)("is found out: %s", async (field) => {
      await fc.assert(
        fc.asyncProperty(anyLog, fc.nat(), fc.string({ unit: "grapheme", minLength: 1 }), async (entries, at, text) => {
          const log = await written(entries);
          const link = log[at % log.length]!;
          const value = link[field];
          const changed = { ...link, [field]: typeof value === "number" ? value + 1 : `${value}${text}` };

          expect(faultsOf(log.with(at % log.length, changed))).not.toEqual([]);
        }),
        { numRuns: 10 },
      );
    });

    it("is found out: an event was removed, put elsewhere, or put in between, even one that is hashed as it should be", async () => {
      await fc.assert(
        fc.asyncProperty(anyLog, fc.nat(), fc.nat(), anyText, async (entries, some, other, text) => {
          const log = await written(entries);
          // Not the last: a log that ends earlier is whole.
          const index = some % (log.length - 1);
          const place = other % log.length;
          const forged = {
            ...log[index]!,
            reason: kept(text),
            number: log[index]!.number + 1,
            previousHash: log[index]!.hash,
          };
          const inserted = { ...forged, hash: hashOf(forged) };

          expect(faultsOf(log.toSpliced(index, 1))).not.toEqual([]);
          expect(faultsOf(log.toSpliced(index + 1, 0, inserted))).not.toEqual([]);
          if (place !== index) {
            expect(faultsOf(log.with(index, log[place]!).with(place, log[index]!))).not.toEqual([]);
          }
        }),
        { numRuns: 50 },
      );
    });
  });

  describe("the table", () => {
    it("takes no change of an event, and loses none but its oldest", async () => {
      const entry = fc.sample(anyEntry, 1)[0]!;
      await store.audit.append([entry, entry, entry], 1);
      const run = (statement: string) => sql.raw(statement).execute(test.db);

      for (const column of ["name", "reason", "hash", "previous_hash", "number", "count"]) {
        await expect(run(`update audit_event set ${column} = ${column}`)).rejects.toThrow(
          "the audit log is append-only",
        );
      }
      for (const number of [2, 3]) {
        const removed = run(`delete from audit_event where number = ${number}`);
        await expect(removed).rejects.toThrow("the audit log loses its oldest events first");
      }
      const replacing = REPLACEMENTS[database.name];
      for (const statement of replacing) await expect(run(statement)).rejects.toThrow("the audit log is append-only");
      await run("delete from audit_event where number = 1");
      expect((await logOf(entry.tenant)).map(({ number }) => number)).toEqual([2, 3]);
    });

    it("is one for each tenant: each begins with 1, and none shows another's", async () => {
      const entries = TENANTS.map((tenant) => ({ ...fc.sample(anyEntry, 1)[0]!, tenant, reason: `of ${tenant}` }));

      await store.audit.append(entries, 1);

      for (const tenant of TENANTS) expect(await logOf(tenant)).toMatchObject([{ number: 1, reason: `of ${tenant}` }]);
      expect(await logOf("nobody")).toEqual([]);
    });
  });
});
