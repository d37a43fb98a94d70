/** The load process, seen from the benchmark: apart from the server, so that neither takes the other's time. */
import { fork } from "node:child_process";
import { nextMessage } from "../child_message.ts";
import type { OverloadOrder, OverloadResult } from "./order.ts";

export type OverloadReply = { readonly result: OverloadResult } | { readonly failure: string };

export interface OverloadProcess {
  /** Carries out one order; the one before must be done. */
  run(order: OverloadOrder): Promise<OverloadResult>;
  close(): void;
}

/** Threads that collect its garbage together, as many as it has by default, would take both of two processors from the server at once. */
const HELPER_THREADS = "--v8-pool-size=1";

export function startOverloadProcess(): OverloadProcess {
  const execArgv = [...process.execArgv, HELPER_THREADS];
  const child = fork(new URL("./main_load.ts", import.meta.url), { execArgv });
  return {
    run: async (order) => {
      const answered = nextMessage(child);
      child.send(JSON.stringify(order));
      const reply: OverloadReply = JSON.parse(await answered);
      if ("failure" in reply) throw new Error(reply.failure);
      return reply.result;
    },
    close: () => child.disconnect(),
  };
}
