/** The closed loop: each lane sends its next call as soon as its last one is answered. */
import { median, percentile } from "../statistics.ts";
import { type Answer, checkFirstCancels } from "./check_answers.ts";
import { openGrpcLanes } from "./grpc_lanes.ts";
import { openJsonLanes } from "./json_lanes.ts";
import type { Lane, Lanes } from "./lane.ts";
import type { LoadOrder, LoadResult } from "./order.ts";
import { type RepeatedRequest, repeatedRequest } from "./request_bodies.ts";

/** Carries out an order. Rejects at the first call that fails, and if an answer is wrong. */
export async function drive(order: LoadOrder): Promise<LoadResult> {
  const request = repeatedRequest(order.call, order.wire);
  const lanes = await openLanes(order, request.path);
  try {
    const cpuBefore = process.cpuUsage();
    const { answers, latencies, seconds } = await callAll(lanes.all, order, request);
    const cpu = process.cpuUsage(cpuBefore);
    if (order.call === "cancel") checkFirstCancels(answers, order.wire);
    latencies.sort((a, b) => a - b);
    return {
      calls: answers.length,
      seconds,
      latency: { p50: median(latencies), p99: percentile(latencies, 0.99), max: latencies.at(-1) ?? Number.NaN },
      loadCpu: (cpu.user + cpu.system) / 1e6 / seconds,
    };
  } finally {
    await lanes.close();
  }
}

function openLanes({ wire, url, connections, streams }: LoadOrder, path: string): Promise<Lanes> {
  return wire === "grpc" ? openGrpcLanes(url, path, connections, streams) : openJsonLanes(url, path, connections);
}

interface Called {
  readonly answers: readonly Answer[];
  readonly latencies: number[];
  readonly seconds: number;
}

function callAll(lanes: readonly Lane[], order: LoadOrder, { body }: RepeatedRequest): Promise<Called> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    const latencies: number[] = [];
    const startedAt = performance.now();
    const endsAt = order.seconds === null ? Number.POSITIVE_INFINITY : startedAt + order.seconds * 1000;
    let begun = 0;
    let inUse = lanes.length;

    const callNext = (lane: Lane): void => {
      const sentAt = performance.now();
      if (begun === order.count || sentAt >= endsAt) {
        inUse -= 1;
        if (inUse === 0) resolve({ answers, latencies, seconds: (sentAt - startedAt) / 1000 });
        return;
      }
      const number = order.first + place(begun, order);
      begun += 1;
      lane.call(body(number), (error, answer) => {
        if (error !== null) {
          begun = order.count;
          reject(error);
          return;
        }
        latencies.push(performance.now() - sentAt);
        answers.push({ number, body: answer });
        callNext(lane);
      });
    };
    for (const lane of lanes) callNext(lane);
  });
}

/** A prime, so that its multiples visit every place before they come back, unless the count is a multiple of it. */
const STRIDE = 7919;

/**
 * Executions are registered far out of the order in which they are cancelled, as it is in life: cancelling in the order of the rows
 * would flatter the store.
 */
function place(index: number, { call, count }: LoadOrder): number {
  return call === "cancel" || count % STRIDE === 0 ? index : (index * STRIDE) % count;
}
