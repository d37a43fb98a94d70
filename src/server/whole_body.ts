/** Reads the whole body of a request that is small and arrives at once, as that of nearly every unary call does. */
import { IncomingMessage } from "node:http";
import type { Millis } from "../domain/time.ts";
import type { NodeRequest } from "./exchange.ts";
import { creditBody } from "./flood_meter.ts";

export interface ReceivedBody {
  readonly chunks: readonly Uint8Array[];
  /** False: more may come, and whoever wants it reads on. */
  readonly isWhole: boolean;
}

export interface WholeBodyOptions {
  readonly maxBytes: number;
  /** For how long to wait for the end. */
  readonly patience: Millis;
}

/** Resolves with the whole body; or with what has come of it, when there is too much of it, it takes too long, or its client has gone. */
export function readWholeBody(request: NodeRequest, { maxBytes, patience }: WholeBodyOptions): Promise<ReceivedBody> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const finish = (isWhole: boolean): void => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", giveUp);
      if (!isWhole) request.pause();
      resolve({ chunks, isWhole });
    };
    const onEnd = (): void => finish(true);
    const giveUp = (): void => finish(false);
    const onData = (chunk: Uint8Array): void => {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (!(request instanceof IncomingMessage)) creditBody(request.stream.session, chunk.byteLength);
      if (size > maxBytes) giveUp();
    };
    const timer = setTimeout(giveUp, patience);
    request.on("data", onData).on("end", onEnd).on("close", giveUp);
    if (request.destroyed) giveUp();
  });
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
