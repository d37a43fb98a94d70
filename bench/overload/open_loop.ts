/** The open loop: calls are sent at their times, whether or not the server keeps up, as a crowd of callers does. */
import { setTimeout as passed, setImmediate as turn } from "node:timers/promises";
import { openHttp2 } from "../load/http2/connection.ts";
import { OverloadedError } from "../load/lane.ts";
import { arrivals } from "./arrivals.ts";
import { CALLS } from "./calls.ts";
import { ClassTally, type Fate } from "./class_tally.ts";
import type { CallClass, OverloadOrder, OverloadResult } from "./order.ts";

/** A caller who waits longer has gone. In milliseconds. */
const PATIENCE = 5_000;

/** How many calls of a burst are sent before answers are read. */
const BURST = 16;

/** Carries out an order. Nothing is tried again. */
export async function runOpenLoop(order: OverloadOrder): Promise<OverloadResult> {
  const { url, rate, seconds, connections } = order;
  const opened = await Promise.all(Array.from({ length: connections }, () => openHttp2(url)));
  const tally = new ClassTally(seconds);
  const nextNumber = numbersOf(order);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let sent = 0;
  for (const { at, sort } of arrivals(rate, seconds)) {
    const due = startedAt + at;
    // A timer is not precise, and need not be: what is sent late has waited that long already.
    if (due > performance.now() + 1) await passed(Math.floor(due - performance.now()));
    const connection = opened[sent % opened.length];
    if (connection === undefined) throw new Error("there is no connection");
    // A timer may also be early: no answer comes faster because its call was sent before it was due.
    const from = Math.min(due, performance.now());
    tally.send(sort, performance.now() - from);
    const { path, body } = CALLS[sort];
    // The answers are as long as they are: nobody keeps them.
    connection.follow(path, body(nextNumber[sort]()), ignored, (error) =>
      tally.answer(sort, at, performance.now() - from, fateOf(error)),
    );
    sent += 1;
    if (sent % BURST === 0) await turn();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const took = (performance.now() - startedAt) / 1000;
  await tally.allAnswered(PATIENCE);
  await Promise.all(opened.map((connection) => connection.close()));
  return { ...tally.result(PATIENCE), loadCpu: (user + system) / 1e6 / took };
}

function numbersOf(order: OverloadOrder): Record<CallClass, () => number> {
  const { firstCancel, firstRegister, firstShown, shown } = order;
  let cancel = firstCancel;
  let register = firstRegister;
  let show = 0;
  const next = { cancel: () => cancel++, register: () => register++, show: () => firstShown + (show++ % shown) };
  return { cancel: next.cancel, register: next.register, report: next.show, get: next.show, list: () => 0 };
}

function fateOf(error: Error | null): Fate {
  if (error === null) return "succeeded";
  return error instanceof OverloadedError ? "shed" : { failed: error.message };
}

function ignored(): void {}
