/** Reads the body of a request, in the pace of its reader, and only as long as somebody waits for it. */
import { IncomingMessage } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Millis } from "../domain/time.ts";
import type { NodeRequest } from "./exchange.ts";
import { creditBody } from "./flood_meter.ts";

export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** The whole body; null until its end was read, or if it was not kept. */
  whole(): Uint8Array | null;
}

export interface BodyOptions {
  /** What was read already. Default: nothing. */
  readonly received?: readonly Uint8Array[];
  /** Read only until this aborts; asked for when the reading starts. */
  readonly signal: () => AbortSignal;
  /** How long what is `timed` may take to arrive: all of it, or, of a stream of messages, the beginning. */
  readonly timeout: Millis;
  readonly timed: "whole" | "beginning";
  /** Whether to keep what is read. */
  readonly keep: boolean;
}

/**
 * The body as an iterable for one reader. It fails with a ConnectError: the reason of the signal, DEADLINE_EXCEEDED, or CANCELED if the
 * client went away. Unlike the stream's own iterator it leaves the connection alone when its reader stops early, so that an error can
 * still be answered.
 */
export function requestBody(request: NodeRequest, options: BodyOptions): RequestBody {
  const kept: Uint8Array[] = [];
  let ended = false;

  async function* read() {
    const arrivals = listen(request, options);
    try {
      for (let chunk = await arrivals.next(); chunk !== null; chunk = await arrivals.next()) {
        if (options.keep) kept.push(chunk);
        yield chunk;
      }
      ended = true;
    } finally {
      arrivals.stop();
    }
  }

  return {
    [Symbol.asyncIterator]: read,
    whole: () => (ended && options.keep ? Buffer.concat(kept) : null),
  };
}

interface Arrivals {
  /** The next chunk; null at the end. */
  next(): Promise<Uint8Array | null>;
  stop(): void;
}

function listen(request: NodeRequest, { received = [], signal, timeout, timed }: BodyOptions): Arrivals {
  const arrived: Uint8Array[] = [...received];
  let ended = request.readableEnded;
  let failure: unknown;
  let wake = (): void => {};

  const onData = (chunk: Uint8Array): void => {
    arrived.push(chunk);
    if (!(request instanceof IncomingMessage)) creditBody(request.stream.session, chunk.byteLength);
    if (timed === "beginning") clearTimeout(timer);
    request.pause();
    wake();
  };
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  const fail = (reason: unknown): void => {
    failure ??= reason;
    wake();
  };
  const onClose = (): void => fail(new ConnectError("the client went away", Code.Canceled));
  const onTimeout = (): void => fail(new ConnectError("the request did not arrive in time", Code.DeadlineExceeded));
  const aborted = signal();
  const onAbort = (): void => fail(aborted.reason);

  request.on("data", onData).on("end", onEnd).on("close", onClose);
  aborted.addEventListener("abort", onAbort);
  if (aborted.aborted) onAbort();
  if (request.destroyed) onClose();
  const timer = setTimeout(onTimeout, timeout);

  return {
    async next() {
      for (;;) {
        const chunk = arrived.shift();
        if (chunk !== undefined) return chunk;
        if (ended) return null;
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
          request.resume();
        });
      }
    },
    stop() {
      clearTimeout(timer);
      aborted.removeEventListener("abort", onAbort);
      request.off("data", onData).off("end", onEnd).off("close", onClose);
    },
  };
}
