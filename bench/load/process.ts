/** The load process, seen from the benchmark. Load and server are apart, so that neither takes the other's time. */
import { fork } from "node:child_process";
import { nextMessage } from "../child_message.ts";
import type { LoadOrder, LoadResult, PacedOrder, PacedResult } from "./order.ts";

/** What the load process is sent. */
export type LoadTask = { readonly drive: LoadOrder } | { readonly pace: PacedOrder };

/** What it answers. */
export type LoadReply<T> = { readonly result: T } | { readonly failure: string };

export interface LoadProcess {
  /** Carries out one order; the one before must be done. Rejects if a call fails or an answer is wrong. */
  run(order: LoadOrder): Promise<LoadResult>;
  /** The same, with calls at fixed times. */
  pace(order: PacedOrder): Promise<PacedResult>;
  close(): void;
}

export function startLoadProcess(): LoadProcess {
  const child = fork(new URL("./main.ts", import.meta.url));
  const ask = async <T>(task: LoadTask, what: string): Promise<T> => {
    const answered = nextMessage(child);
    child.send(JSON.stringify(task));
    const reply: LoadReply<T> = JSON.parse(await answered);
    if ("failure" in reply) throw new Error(`${what}: ${reply.failure}`);
    return reply.result;
  };
  return {
    run: (order) => ask({ drive: order }, `${order.call} at ${order.url} over ${order.wire}`),
    pace: (order) => ask({ pace: order }, `paced calls at ${order.url} over ${order.wire}`),
    close: () => child.disconnect(),
  };
}
