/** The process of the workers, seen from the benchmark. */
import { fork } from "node:child_process";
import { nextMessage } from "../child_message.ts";
import type { Fired, RunOrder, WorkersOrder, WorkersReply, WorkersTask } from "./order.ts";

export interface WorkerProcess {
  attach(order: WorkersOrder): Promise<void>;
  /** Resolves when all of them run. `fired` then resolves when all have been stopped, and what proves that is recorded. */
  run(order: RunOrder): Promise<{ readonly fired: Promise<readonly Fired[]> }>;
  close(): void;
}

export function startWorkerProcess(): WorkerProcess {
  const child = fork(new URL("./main_workers.ts", import.meta.url));
  const send = (task: WorkersTask): void => {
    child.send(JSON.stringify(task));
  };
  const reply = async (): Promise<Exclude<WorkersReply, { failure: string }>> => {
    const told: WorkersReply = JSON.parse(await nextMessage(child));
    if ("failure" in told) throw new Error(`the workers: ${told.failure}`);
    return told;
  };
  return {
    attach: async (order) => {
      const attached = reply();
      send({ attach: order });
      await attached;
    },
    run: async (order) => {
      const running = reply();
      send({ run: order });
      await running;
      const fired = reply().then((told) => ("fired" in told ? told.fired : []));
      return { fired };
    },
    close: () => child.disconnect(),
  };
}
