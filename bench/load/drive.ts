/** The closed loop: each lane sends its next call as soon as its last one is answered. */
import { type Answer, checkAnswers } from "./check_answers.ts";
import type { IdForm } from "./execution_id.ts";
import { type Lane, OverloadedError } from "./lane.ts";
import { latencyOf } from "./latency.ts";
import { monotonicMicros } from "./monotonic.ts";
import { openLanes } from "./open_lanes.ts";
import type { Calls, CallType, LoadOrder, LoadResult } from "./order.ts";
import { type RepeatedRequest, repeatedRequest } from "./request_bodies.ts";

/** Carries out an order. Rejects at the first call that fails, and if an answer is wrong. */
export async function drive(order: LoadOrder): Promise<LoadResult> {
  const { call, wire, first, ids = "uuid" } = order;
  const request = repeatedRequest(call, wire, ids, first);
  const lanes = await openLanes(order);
  try {
    const cpuBefore = process.cpuUsage();
    const from = monotonicMicros();
    const { answers, latencies, refused, seconds } = await callAll(lanes.all, order, request);
    const until = monotonicMicros();
    const cpu = process.cpuUsage(cpuBefore);
    checkAnswers(answers, call, wire, ids);
    return {
      calls: answers.length,
      refused,
      seconds,
      latency: latencyOf(latencies),
      loadCpu: (cpu.user + cpu.system) / 1e6 / seconds,
      from,
      until,
    };
  } finally {
    await lanes.close();
  }
}

interface Called {
  readonly answers: readonly Answer[];
  readonly latencies: readonly number[];
  readonly refused: number;
  readonly seconds: number;
}

function callAll(lanes: readonly Lane[], order: LoadOrder, { path, body }: RepeatedRequest): Promise<Called> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    const latencies: number[] = [];
    const startedAt = performance.now();
    const endsAt = order.seconds === null ? Number.POSITIVE_INFINITY : startedAt + order.seconds * 1000;
    let left = callsOf(order);
    let begun = 0;
    let refused = 0;
    let inUse = lanes.length;

    const callNext = (lane: Lane): void => {
      const sentAt = performance.now();
      if (left === 0 || sentAt >= endsAt) {
        inUse -= 1;
        if (inUse === 0) resolve({ answers, latencies, refused, seconds: (sentAt - startedAt) / 1000 });
        return;
      }
      const number = order.first + place(begun, order, order.ids ?? "uuid");
      begun += 1;
      left -= 1;
      lane.call(path, body(number), (error, answer) => {
        if (error === null) {
          latencies.push(performance.now() - sentAt);
          answers.push({ number, body: answer });
        } else if (mayBeRefused(order.call, error)) refused += 1;
        else {
          left = 0;
          reject(error);
          return;
        }
        callNext(lane);
      });
    };
    for (const lane of lanes) callNext(lane);
  });
}

/** Reads may: the server's admission refuses them before it lets cancels wait. */
export function mayBeRefused(call: CallType, error: Error): boolean {
  return call === "get" && error instanceof OverloadedError;
}

/** How many calls there may be. Asking for the same thing again is no other thing to measure, so that only the clock ends it. */
function callsOf({ call, seconds, count, skip = 0, most = Number.POSITIVE_INFINITY }: LoadOrder): number {
  const goesRound = seconds !== null && (call === "get" || call === "heartbeat");
  return goesRound ? most : Math.min(most, count - skip);
}

/** A prime, so that its multiples visit every place before they come back, unless the count is a multiple of it. */
const STRIDE = 7919;

/**
 * The executions are cancelled in another order than they are registered in, as it is in life: cancelling in the order of the rows would
 * flatter the store. What the benchmark registers itself is registered out of the order of its numbers, and cancelled in it; a filled
 * store has its rows in the order of the numbers, and is called for out of it.
 */
export function place(index: number, { call, count, skip = 0 }: Calls, ids: IdForm): number {
  const turn = (skip + index) % count;
  const isInOrder = ids === "uuid" && call !== "register_pending" && call !== "register_running";
  return isInOrder || count % STRIDE === 0 ? turn : (turn * STRIDE) % count;
}
