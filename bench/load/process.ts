/** The load process, seen from the benchmark. Load and server are apart, so that neither takes the other's time. */
import { fork } from "node:child_process";
import { nextMessage } from "../child_message.ts";
import type { LoadOrder, LoadResult } from "./order.ts";

export type LoadReply = { readonly result: LoadResult } | { readonly failure: string };

export interface LoadProcess {
  /** Carries out one order; the one before must be done. Rejects if a call fails or an answer is wrong. */
  run(order: LoadOrder): Promise<LoadResult>;
  close(): void;
}

export function startLoadProcess(): LoadProcess {
  const child = fork(new URL("./main.ts", import.meta.url));
  return {
    run: async (order) => {
      const answered = nextMessage(child);
      child.send(JSON.stringify(order));
      const reply: LoadReply = JSON.parse(await answered);
      if ("failure" in reply) throw new Error(`${order.call} at ${order.url} over ${order.wire}: ${reply.failure}`);
      return reply.result;
    },
    close: () => child.disconnect(),
  };
}
