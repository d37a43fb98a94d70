/** The program of the writer's thread: serves a writer to the thread that has started it, until that closes the connection. */
import { parentPort, workerData } from "node:worker_threads";
import { connect } from "./connection.ts";
import { createWriter } from "./create_writer.ts";
import { dataOfError } from "./crossing_error.ts";
import { unavailableOf } from "./unavailable.ts";
import { type CallWriter, callsTo } from "./writer_functions.ts";
import { type Outcome, READY, type ThreadOptions, type WriterAnswer, type WriterCall } from "./writer_messages.ts";

if (parentPort === null) throw new Error("this is no program of its own: a store starts it as a thread");
const port = parentPort;

const { path, effectClaim }: ThreadOptions = workerData;
const call = callsTo(createWriter(connect(path), effectClaim));
port.on("message", (asked: WriterCall) => serve(call, asked));
tell(READY, { result: null, error: null });

async function serve(call: CallWriter, { id, name, args }: WriterCall): Promise<void> {
  try {
    tell(id, { result: await call(name, JSON.parse(args)), error: null });
  } catch (error) {
    tell(id, { result: null, error: dataOfError(unavailableOf(error) ?? error) });
  }
  // Nothing else keeps the thread alive.
  if (name === "connection.close") port.close();
}

function tell(id: number, outcome: Outcome<unknown>): void {
  port.postMessage({ id, outcome: JSON.stringify(outcome) } satisfies WriterAnswer);
}
