/** The process of the workers: many clients of the library that worker authors use. It ends with the benchmark that has forked it. */
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Belay, CancellationError, createBelay } from "../../src/client/index.ts";
import { executionId } from "../load/execution_id.ts";
import { monotonicMicros } from "../load/monotonic.ts";
import type { Fired, RunOrder, WorkersOrder, WorkersReply, WorkersTask } from "./order.ts";

/** As if so many workers ran on each machine: they share a connection. */
const WORKERS_PER_CONNECTION = 50;

/** The numbers of the executions that keep the workers attached. */
const FIRST_KEPT = 5e11;

const workers: Belay[] = [];

process.on("disconnect", () => process.exit());
process.on("message", (message) => {
  const task: WorkersTask = JSON.parse(String(message));
  const done = "attach" in task ? attach(task.attach) : run(task.run);
  done.catch((error: unknown) => {
    tell({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});

function tell(reply: WorkersReply): void {
  process.send?.(JSON.stringify(reply));
}

async function attach({ url, workers: count }: WorkersOrder): Promise<void> {
  for (let index = 0; index < count; index += WORKERS_PER_CONNECTION) {
    const transport = createGrpcTransport({ baseUrl: url });
    const size = Math.min(WORKERS_PER_CONNECTION, count - index);
    const group = Array.from({ length: size }, (_, place) =>
      createBelay({ address: url, transport, workerId: `signal-worker-${index + place}` }),
    );
    await Promise.all(
      group.map((belay, place) => belay.claim({ kind: "process", id: executionId(FIRST_KEPT + index + place) })),
    );
    workers.push(...group);
  }
  tell({ attached: true });
}

async function run({ first, count }: RunOrder): Promise<void> {
  const fired: Fired[] = [];
  let started = 0;
  const runs = Array.from({ length: count }, async (_, index) => {
    const belay = workers[index % workers.length];
    if (belay === undefined) throw new Error("no worker is attached");
    const number = first + index;
    try {
      await belay.run({ kind: "process", id: executionId(number) }, async (signal) => {
        started += 1;
        if (started === count) tell({ running: true });
        await untilFired(signal);
        fired.push([number, monotonicMicros()]);
        signal.throwIfAborted();
      });
    } catch (error) {
      if (!(error instanceof CancellationError)) throw error;
    }
  });
  await Promise.all(runs);
  tell({ fired });
}

/** Its listener is called at the moment at which the signal fires; what awaits it goes on in the same turn. */
function untilFired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
