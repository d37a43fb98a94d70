/** The open loop: calls are sent at their times, whether or not the server keeps up, as a crowd of callers does. */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as passed, setImmediate as turn } from "node:timers/promises";
import { arrivals } from "./arrivals.ts";
import { CALLS } from "./calls.ts";
import { ClassTally } from "./class_tally.ts";
import type { CallClass, OverloadOrder, OverloadResult } from "./order.ts";

/** A caller who waits longer has gone. In milliseconds. */
const PATIENCE = 5_000;

/** How many calls of a burst are sent before answers are read. */
const BURST = 16;

/** Carries out an order. Nothing is tried again. */
export async function runOpenLoop(order: OverloadOrder): Promise<OverloadResult> {
  const { url, rate, seconds, connections } = order;
  const sessions = Array.from({ length: connections }, () => connect(url));
  await Promise.all(sessions.map((session) => once(session, "connect")));
  const tally = new ClassTally(seconds);
  const nextNumber = numbersOf(order);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let sent = 0;
  for (const { at, sort } of arrivals(rate, seconds)) {
    const due = startedAt + at;
    // A timer is not precise, and need not be: what is sent late has waited that long already.
    if (due > performance.now() + 1) await passed(Math.floor(due - performance.now()));
    const session = sessions[sent % sessions.length];
    if (session === undefined) throw new Error("there is no connection");
    tally.send(sort, performance.now() - due);
    call(session, sort, nextNumber[sort](), (status) => tally.answer(sort, at, performance.now() - due, status));
    sent += 1;
    if (sent % BURST === 0) await turn();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const took = (performance.now() - startedAt) / 1000;
  await tally.allAnswered(PATIENCE);
  for (const session of sessions) session.destroy();
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

/** @param done told the gRPC status; empty if the stream broke */
function call(session: ClientHttp2Session, sort: CallClass, number: number, done: (status: string) => void): void {
  const { path, body } = CALLS[sort];
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  let status = "";
  const read = (headers: { readonly "grpc-status"?: unknown }): void => {
    if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
  };
  stream.on("response", read).on("trailers", read);
  // What went wrong is told by the status that is missing.
  stream.on("error", () => undefined);
  stream.on("close", () => done(status));
  stream.resume();
  stream.end(body(number));
}
