import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AuditEvent, AuditEventSchema } from "../../gen/belay/v1/audit_service_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { beginningFault, checkChain, hashOf } from "../../src/cli/audit_chain.ts";

/** A log as a server would keep it, from `from` on. */
function logOf(count: number, from = 1): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let number = from; number < from + count; number += 1) {
    const event = create(AuditEventSchema, {
      number: BigInt(number),
      previousHash: events.at(-1)?.hash ?? (from === 1 ? "" : "f".repeat(64)),
      time: timestampFromMs(1_767_610_991_000 + number),
      action: "CancelProcess",
      principal: "key:1",
      execution: { kind: Kind.PROCESS, id: `p-${number}` },
      outcome: "applied",
      count: 1n,
    });
    event.hash = hashOf(event);
    events.push(event);
  }
  return events;
}

/** As somebody would forge it who knows how the hash is made, but leaves the other events alone. */
function rehashed(event: AuditEvent): AuditEvent {
  event.hash = hashOf(event);
  return event;
}

const markOf = (event: AuditEvent) => ({ number: event.number, hash: event.hash });

describe("a log as it was written", () => {
  it("fits, and its head is the last event", async () => {
    const log = logOf(3);

    expect(await checkChain(log, null)).toEqual({ fits: true, events: 3, first: 1n, head: log[2] });
  });

  it("fits without any event", async () => {
    expect(await checkChain([], null)).toEqual({ fits: true, events: 0, first: null, head: null });
  });

  it("fits from a later event on, when its beginning was removed", async () => {
    expect(await checkChain(logOf(2, 1001), null)).toMatchObject({ fits: true, events: 2, first: 1001n });
  });

  it("has the event that was noted down, also as its last and as the one before its first", async () => {
    const log = logOf(5);

    for (const event of log) expect(await checkChain(log, markOf(event))).toMatchObject({ fits: true });
    expect(await checkChain(log.slice(2), markOf(log[1]!))).toMatchObject({ fits: true, first: 3n });
  });
});

describe("a log whose beginning was removed", () => {
  const [first] = logOf(2, 1001);
  const before = { number: 1000n, hash: "f".repeat(64) };

  it("fits where the log says so, also if more has been removed since", () => {
    expect(beginningFault(first!, before)).toBeNull();
    expect(beginningFault(first!, { number: 1001n, hash: first!.hash })).toBeNull();
    expect(beginningFault(logOf(1)[0]!, null)).toBeNull();
  });

  it.each([
    { what: "the log says nothing of it", removed: null, says: "nothing says that any event was" },
    { what: "less was removed", removed: { number: 999n, hash: "" }, says: "event 999 was the last" },
    {
      what: "another one was removed",
      removed: { ...before, hash: "e".repeat(64) },
      says: "does not follow event 1000",
    },
  ])("does not fit where $what", ({ removed, says }) => {
    expect(beginningFault(first!, removed)).toMatchObject({ number: 1001n, fault: expect.stringContaining(says) });
  });
});

describe("a log that was changed", () => {
  it("does not fit where the content of an event is another", async () => {
    const log = logOf(3);
    log[1]!.principal = "key:2";

    expect(await checkChain(log, null)).toEqual({
      fits: false,
      number: 2n,
      fault: "its hash is not that of its content: the one or the other was changed",
    });
  });

  it("does not fit after an event that was changed and hashed anew", async () => {
    const log = logOf(3);
    rehashed(Object.assign(log[1]!, { principal: "key:2" }));

    expect(await checkChain(log, null)).toMatchObject({
      fits: false,
      number: 3n,
      fault: expect.stringContaining("previous hash is not the hash of event 2"),
    });
  });

  it.each([
    { what: "removed", change: (log: AuditEvent[]) => log.splice(1, 1), number: 3n },
    { what: "shown twice", change: (log: AuditEvent[]) => log.splice(1, 0, log[1]!), number: 2n },
    { what: "put in another place", change: (log: AuditEvent[]) => log.reverse(), number: 2n },
  ])("does not fit where an event was $what", async ({ change, number }) => {
    const log = logOf(3);
    change(log);

    expect(await checkChain(log, null)).toMatchObject({ fits: false, number, fault: expect.stringContaining("a gap") });
  });

  it("does not fit if an event was put before the first", async () => {
    const [first] = logOf(1);
    rehashed(Object.assign(first!, { previousHash: "a".repeat(64) }));

    expect(await checkChain([first!], null)).toMatchObject({ fits: false, number: 1n });
  });

  it.each([
    { what: "whose end was cut off", change: (log: AuditEvent[]) => log.slice(0, 2), fault: /ends with event 2/ },
    { what: "that is empty", change: () => [], fault: /the log is empty/ },
    { what: "that begins later", change: () => logOf(3, 1001), fault: /the log begins with event 1001/ },
    { what: "whose beginning is another", change: () => logOf(3, 5), fault: /was written anew/ },
    {
      what: "that was written anew",
      change: (log: AuditEvent[]) => {
        for (const [index, event] of log.entries()) {
          rehashed(Object.assign(event, { principal: "key:2", previousHash: log[index - 1]?.hash ?? "" }));
        }
        return log;
      },
      fault: /was written anew/,
    },
  ])("is found out by an event that was noted down: one $what", async ({ change, fault }) => {
    const log = logOf(4);
    const expected = markOf(log[3]!);

    const verdict = await checkChain(change(log), expected);

    expect(verdict).toMatchObject({ fits: false, number: 4n, fault: expect.stringMatching(fault) });
  });

  it("never fits, whatever single field of whatever event is changed", async () => {
    const texts = ["action", "principal", "name", "address", "requestedBy", "reason", "outcome", "message"] as const;
    const field = fc.constantFrom(...texts, "cancellationId" as const, "requestId" as const, "hash" as const);
    await fc.assert(
      fc.asyncProperty(fc.nat(4), field, fc.string({ unit: "grapheme", minLength: 1 }), async (index, name, text) => {
        const log = logOf(5);
        const event = log[index]!;
        event[name] += text;

        expect(await checkChain(log, null)).toMatchObject({ fits: false, number: event.number });
      }),
    );
  });
});

describe("the hash", () => {
  it("is what the contract says, as another language computes it", () => {
    const event = create(AuditEventSchema, {
      number: 7n,
      previousHash: "ab".repeat(32),
      time: timestampFromMs(1_767_610_991_250),
      action: "CancelProcess",
      principal: "key:0199",
      name: 'the "night" shift\n\t\u0001\u007f\u2028',
      address: "2001:db8::1",
      requestedBy: '{"user":"ann"}',
      execution: { kind: Kind.PROCESS_INSTANCE, id: "2251799813685249" },
      reason: "Ärger \u{1f9d7} / \\",
      outcome: "EXECUTION_NOT_FOUND",
      message: "no",
      cancellationId: "0197",
      requestId: "r-1",
      count: 3n,
    });
    // Computed with Python: hashlib.sha256(json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    expect(hashOf(event)).toBe("b66f7bdec74f73891c0dcf494d97eda5838d6a1e1f7f07b59a610b92083c05a7");
  });
});
