import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import type { ExecutionKey } from "../../src/domain/execution.ts";
import type { Envelope, Idempotency, Store } from "../../src/store/store.ts";
import { cancelWith, specWith } from "../domain/executions.ts";
import { DATABASES, openStore, type StoreUnderTest } from "./databases.ts";

const KEY: ExecutionKey = { tenant: "default", kind: "process_instance", id: "1" };
const CLAIM = { workerId: "w-1", leaseDuration: 15_000 };
const REGISTER: Command = { type: "register", spec: specWith(), queueItems: [], claim: CLAIM };

let test: StoreUnderTest;
let store: Store;

function named(commandId: string, change: Partial<Idempotency> = {}): Idempotency {
  return { principal: "key:1", method: "Cancel", commandId, fingerprint: "f", ...change };
}

function sent(command: Command, idempotency: Idempotency | null): Envelope {
  return { key: KEY, command, idempotency, effectId: null, audit: null };
}

describe.each(DATABASES)("the answers to commands over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
    await store.apply([sent(REGISTER, null)], 1_000);
  });
  afterEach(() => test.close());

  it("are the first ones, whatever happens later, over restarts too", async () => {
    const cancel = sent(cancelWith(), named("c-1"));
    const [first] = await store.apply([cancel], 2_000);
    await store.apply([sent({ type: "report_stopped", token: 1, evidence: "gone" }, null)], 3_000);
    await test.reopen();

    const [again] = await test.store.apply([cancel], 4_000);

    expect(first).toMatchObject({ replay: null, reply: { disposition: "applied" } });
    expect(again).toMatchObject({ events: [], effects: [], reply: first!.reply });
    expect(again!.replay).toMatchObject({ answered: true, since: 2_000, flagRaised: false });
  });

  it("are found in one batch with the command that they repeat", async () => {
    const cancel = sent(cancelWith(), named("c-1"));

    const [first, again, other] = await store.apply(
      [cancel, cancel, sent(cancelWith(), named("c-1", { fingerprint: "g" }))],
      2_000,
    );

    expect(again!.replay?.lastSequence).toBe(first!.events.at(-1)?.sequence);
    expect(again!.execution).toEqual(first!.execution);
    expect(other!.reply).toMatchObject({ accepted: false, refusal: { reason: "idempotency_key_reused" } });
  });

  it("are those that waiting callers were given first, for all who waited together", async () => {
    const [{ execution } = { execution: null }] = await store.apply([sent(cancelWith(), named("c-1"))], 2_000);
    expect(await store.findAnswer(KEY, named("c-1"))).toBeNull();

    const kept = await store.recordAnswer(KEY, named("c-1"), {
      execution: execution!,
      lastSequence: 7,
      flagRaised: true,
    });
    const later = await store.recordAnswer(KEY, named("c-1"), {
      execution: execution!,
      lastSequence: 9,
      flagRaised: false,
    });

    expect(kept).toEqual({ execution, lastSequence: 7, flagRaised: true });
    expect(later).toEqual(kept);
    expect(await store.findAnswer(KEY, named("c-1"))).toEqual(kept);
  });

  it.each([
    ["another caller", { principal: "key:2" }],
    ["another method", { method: "Fail" }],
    ["another id", { commandId: "c-2" }],
  ])("don't answer %s", async (_, change) => {
    await store.apply([sent(cancelWith(), named("c-1"))], 2_000);

    const [applied] = await store.apply([sent(cancelWith(), named("c-1", change))], 3_000);

    expect(applied).toMatchObject({ replay: null, reply: { disposition: "joined" } });
  });

  it("are not kept of what was refused", async () => {
    const unknown = { ...sent(cancelWith(), named("c-1")), key: { ...KEY, id: "2" } };
    await store.apply([unknown], 2_000);
    await store.apply([{ ...unknown, command: REGISTER, idempotency: null }], 3_000);

    const [applied] = await store.apply([unknown], 4_000);

    expect(applied).toMatchObject({ replay: null, reply: { disposition: "applied" } });
  });

  it("name one execution where its id is minted, whatever id comes with the repetition", async () => {
    const minted = { ...sent(REGISTER, named("r-1", { isMinting: true })), key: { ...KEY, id: "10" } };
    const [first] = await store.apply([minted], 2_000);

    const [again, elsewhere] = await store.apply(
      [
        { ...minted, key: { ...KEY, id: "11" } },
        { ...minted, key: { ...KEY, tenant: "stranger", id: "12" } },
      ],
      3_000,
    );

    expect(again!.execution).toEqual(first!.execution);
    expect(again!.replay).not.toBeNull();
    expect(elsewhere!.execution?.key).toEqual({ ...KEY, tenant: "stranger", id: "12" });
  });
});

describe.each(DATABASES)("texts over $name", (database) => {
  beforeEach(async () => {
    test = await openStore(database);
    store = test.store;
  });
  afterEach(() => test.close());

  it.each(["a\u0000b", "half \ud83e"])("that a database can't keep name a command all the same: %j", async (text) => {
    await store.apply([sent(REGISTER, null)], 1_000);
    const [first] = await store.apply([sent(cancelWith(), named(text))], 2_000);
    const [again] = await store.apply([sent(cancelWith(), named(text))], 3_000);
    const answer = { execution: first!.execution!, lastSequence: 7, flagRaised: false };

    expect(again!.replay?.since).toBe(2_000);
    expect(await store.recordAnswer(KEY, named(text), answer)).toEqual(answer);
    expect(await store.findAnswer(KEY, named(text))).toEqual(answer);
  });

  it.each(["a\u0000b", "half \ud83e"])("that a database can't keep spoil no search: %j", async (text) => {
    const spec = specWith({ detail: { processDefinitionId: text, tags: [text] }, labels: { team: text } });
    await store.apply([sent({ ...REGISTER, spec }, null), sent(cancelWith({ reason: text }), named("c-1"))], 1_000);

    const found = await store.searchProcessInstances("default", {
      filter: { conditions: [{ field: "has_incident", operator: "eq", value: 0 }], tags: [], anyOf: [] },
      order: [{ field: "definition_id", descending: false }],
      place: { from: 0 },
      limit: 10,
    });

    expect(found.items.map(({ key }) => key)).toEqual([KEY]);
    const listed = await store.listExecutions(
      "default",
      {
        kind: KEY.kind,
        states: [],
        labels: { team: text },
        parent: null,
        createdAfter: null,
        createdBefore: null,
        workflowId: null,
      },
      { size: 10, token: "" },
    );
    expect(listed.items.map(({ key }) => key)).toEqual([KEY]);
  });
});
