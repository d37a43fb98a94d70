/** Keeps one stream of stop orders open, over every break of the connection. */
import { type Client, ConnectError } from "@connectrpc/connect";
import type { StopOrder as StopOrderMessage, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Logger } from "./logger.ts";
import { pause, pauseAfter } from "./retry.ts";

/** Milliseconds without any message after which the stream counts as dead. The server sends one every 10 seconds. */
const SILENCE = 25_000;

export interface AttachLoop {
  readonly workerId: string;
  readonly workers: Client<typeof WorkerService>;
  readonly logger: Logger;
  /** Called for each order, in their order. Orders may come more than once. */
  readonly onOrder: (order: StopOrderMessage) => void;
  /** Ends the loop. */
  readonly signal: AbortSignal;
}

/** Listens until `signal` aborts. Never rejects: the loss of the connection and its return are logged once each. */
export async function attachLoop(loop: AttachLoop): Promise<void> {
  const { logger, signal } = loop;
  let failures = 0;
  const onLive = (): void => {
    if (failures > 0) logger.info("the connection to Belay is back");
    failures = 0;
  };
  for (;;) {
    const end = await listen(loop, onLive);
    if (signal.aborted) return;
    failures += 1;
    if (failures === 1) logger.warn(`lost the connection to Belay (${end}); the work goes on`);
    else logger.debug(`no connection to Belay yet: ${end}`);
    if (!(await pause(pauseAfter(failures), signal))) return;
  }
}

/** Reads one stream to its end. Resolves with what ended it. */
async function listen({ workerId, workers, onOrder, signal }: AttachLoop, onLive: () => void): Promise<string> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE);
  try {
    const stream = workers.attach({ workerId }, { signal: AbortSignal.any([signal, silence.signal]) });
    for await (const { message } of stream) {
      timer.refresh();
      if (message.case === "attached") onLive();
      if (message.case === "stopOrder") onOrder(message.value);
    }
    return "the server ended the stream";
  } catch (error) {
    return silence.signal.aborted ? `nothing came for ${SILENCE / 1000} s` : ConnectError.from(error).rawMessage;
  } finally {
    clearTimeout(timer);
  }
}
