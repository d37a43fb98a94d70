import { describe, expect, it } from "vitest";
import type { Event } from "../../src/domain/event.ts";
import type { Execution } from "../../src/domain/execution.ts";
import { signalFor } from "../../src/domain/signal.ts";
import { cancelWith, reasonOf, specWith, type World, worldOf } from "../domain/executions.ts";
import { type Answer, type Asked, type Call, explain, type History } from "./history.ts";

/** Plays commands one after another, a second each, and writes down what their callers would have seen. */
function played(...commands: readonly Asked[]): History & { readonly calls: Call[]; readonly events: Event[] } {
  const world = worldOf("process");
  const calls = commands.map((asked, index): Call => {
    world.now += 1_000;
    const answer = answered(world, asked);
    return { client: `client-${index}`, asked, invoked: world.now - 100, returned: world.now + 100, answer };
  });
  return { key: world.key, calls, events: world.events, final: world.execution };
}

function answered(world: World, asked: Asked): Answer {
  if (asked.type === "get") return { type: "accepted", execution: world.execution! };
  const decision = world.send(asked);
  if (asked.type === "heartbeat") return { type: "signal", signal: signalFor(world.execution, asked.token) };
  if (!decision.reply.accepted) return { type: "refused", reason: decision.reply.refusal.reason };
  const { disposition } = decision.reply;
  expect(reasonOf(decision)).toBe(disposition);
  return { type: "accepted", execution: world.execution!, disposition };
}

const REGISTER: Asked = {
  type: "register",
  spec: specWith(),
  queueItems: [],
  claim: { workerId: "w-1", leaseDuration: 15_000 },
};
const COMPLETE: Asked = { type: "complete", token: 1, result: { ok: true }, outcomeId: null };
const CANCEL: Asked = cancelWith({ strategy: "hard" });
const SOFT: Asked = cancelWith({ strategy: "soft" });
const STOPPED: Asked = { type: "report_stopped", token: 1, evidence: "gone" };
const BEAT: Asked = { type: "heartbeat", token: 1 };
const GET: Asked = { type: "get" };

/** The same calls, all at the same time. */
function atOnce(history: History): History {
  const invoked = Math.min(...history.calls.map((call) => call.invoked));
  const returned = Math.max(...history.calls.map((call) => call.returned));
  return { ...history, calls: history.calls.map((call) => ({ ...call, invoked, returned })) };
}

describe("a history that is one order of decisions", () => {
  it.each([
    ["a result that came first", [REGISTER, COMPLETE, CANCEL]],
    ["a cancel that came first", [REGISTER, BEAT, CANCEL, COMPLETE, BEAT, STOPPED, GET]],
    ["an escalation", [REGISTER, SOFT, BEAT, CANCEL, STOPPED, CANCEL]],
    ["refusals only", [COMPLETE, CANCEL, REGISTER, GET]],
  ])("is explained: %s", (_name, commands) => {
    const history = played(...commands);

    expect(explain(history)).toMatchObject({ explained: true });
    expect(explain(atOnce({ ...history, calls: [...history.calls].reverse() }))).toMatchObject({ explained: true });
  });

  it("is explained although an answer got lost, whether the call was carried out or not", () => {
    const history = played(REGISTER, CANCEL, STOPPED);
    const lost: Call = { ...history.calls[1]!, answer: null, returned: Infinity };
    const never: Call = { ...lost, asked: COMPLETE };

    const calls = [history.calls[0]!, lost, never, history.calls[2]!];

    expect(explain({ ...history, calls })).toMatchObject({ explained: true });
  });

  it("is explained with the timers of the server in it", () => {
    const world = worldOf("process");
    const key = world.key;
    const registered = answered(world, REGISTER);
    const calls: Call[] = [
      { client: "a", asked: REGISTER, invoked: world.now, returned: world.now, answer: registered },
    ];
    world.now += 20_000;
    world.send({ type: "lease_due", token: 1 });

    expect(explain({ key, calls, events: world.events, final: world.execution })).toMatchObject({ explained: true });
  });

  it("is explained when a command is repeated and gets its first answer, though more has happened since", () => {
    const history = played(REGISTER, CANCEL, STOPPED);
    const first = { ...history.calls[1]!, commandId: "c" };
    const again: Call = { ...first, invoked: first.invoked + 10_000, returned: first.returned + 10_000 };

    expect(explain({ ...history, calls: [history.calls[0]!, first, history.calls[2]!, again] })).toMatchObject({
      explained: true,
    });
  });
});

describe("a history that can't have happened", () => {
  it("an answered cancel is lost", () => {
    const { key, calls } = played(REGISTER, CANCEL);
    const { events, final } = played(REGISTER);

    expect(explain({ key, calls, events, final })).toMatchObject({ explained: false });
  });

  it("both the result and the cancel were told that they came first", () => {
    const cancelled = played(REGISTER, CANCEL);
    const completed = played(REGISTER, COMPLETE);
    const calls = [...cancelled.calls, completed.calls[1]!];

    expect(explain(atOnce({ ...cancelled, calls }))).toMatchObject({ explained: false });
    expect(explain(atOnce({ ...completed, calls }))).toMatchObject({ explained: false });
  });

  it("an execution has two ends", () => {
    const { key, calls, events, final } = played(REGISTER, COMPLETE);
    const second: Event = { ...events.at(-1)!, type: "failed", attributes: { message: "m" } };

    expect(explain({ key, calls, events: [...events, second], final })).toMatchObject({ explained: false });
  });

  it("a call took effect before it was made", () => {
    const history = played(REGISTER, CANCEL, COMPLETE);
    const [register, cancel, complete] = history.calls;
    const late = { ...cancel!, invoked: complete!.returned + 500, returned: complete!.returned + 600 };

    expect(explain({ ...history, calls: [register!, complete!, late] })).toMatchObject({ explained: false });
  });

  it("a heartbeat is told to carry on after the cancel was answered", () => {
    const history = played(REGISTER, CANCEL, GET);
    const beat: Call = {
      client: "worker",
      asked: BEAT,
      invoked: history.calls[2]!.invoked,
      returned: history.calls[2]!.returned,
      answer: { type: "signal", signal: "none" },
    };

    expect(explain({ ...history, calls: [...history.calls, beat] })).toMatchObject({ explained: false });
  });

  it("a read shows what was before, after a newer state was shown", () => {
    const before = played(REGISTER, GET);
    const history = played(REGISTER, CANCEL, GET, GET);
    const stale: Call = { ...history.calls[3]!, answer: before.calls[1]!.answer };

    expect(explain({ ...history, calls: [...history.calls.slice(0, 3), stale] })).toMatchObject({ explained: false });
  });

  it("a lease ended although a heartbeat had just extended it", () => {
    const world = worldOf("process");
    const start = world.now;
    const registered: Call = {
      client: "a",
      asked: REGISTER,
      invoked: start,
      returned: start,
      answer: answered(world, REGISTER),
    };
    const before: Execution = world.execution!;
    world.now += 15_000;
    world.send({ type: "lease_due", token: 1 });
    const beat: Call = {
      client: "worker",
      asked: BEAT,
      invoked: start + 10_000,
      returned: start + 10_001,
      answer: { type: "signal", signal: signalFor(before, 1) },
    };
    const history = { key: world.key, calls: [registered, beat], events: world.events, final: world.execution };

    expect(explain(history)).toMatchObject({ explained: false });
    expect(explain({ ...history, calls: [registered] })).toMatchObject({ explained: true });
  });

  it("a repeated command gets another answer", () => {
    const history = played(REGISTER, SOFT, STOPPED, CANCEL);
    const first = { ...history.calls[1]!, commandId: "c" };
    const again: Call = { ...first, invoked: 2_000_000, returned: 2_000_001, answer: history.calls[3]!.answer };

    expect(explain({ ...history, calls: [history.calls[0]!, first, ...history.calls.slice(2), again] })).toMatchObject({
      explained: false,
    });
  });

  it("an event is missing in the middle", () => {
    const history = played(REGISTER, SOFT, BEAT, STOPPED);
    const events = history.events.filter(({ type }) => type !== "stop_delivered");

    expect(explain({ ...history, events })).toMatchObject({ explained: false });
  });
});
