/** A transport to any of several replicas: a call that fails because one can't be reached makes the next call go to the next one. */
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { mendedSessions } from "../../src/client/mended_sessions.ts";

/** What says nothing about the call, and much about the replica. */
const UNREACHED: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unknown,
]);

export interface ManyTransport extends Transport {
  close(): void;
}

/** @param first where to begin, so that clients spread over the replicas */
export function anyOf(urls: readonly string[], first: number): ManyTransport {
  const sessions = urls.map((url) => mendedSessions(url, { pingIntervalMs: 2_000, pingTimeoutMs: 1_000 }));
  const transports = urls.map((baseUrl, index) => createGrpcTransport({ baseUrl, sessionManager: sessions[index]! }));
  let current = first % urls.length;
  const chosen = (): Transport => transports[current]!;
  const moving = async <T>(from: number, answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Calls that fail together move on by one.
      if (current === from && UNREACHED.has(ConnectError.from(error).code)) current = (current + 1) % urls.length;
      throw error;
    }
  };
  return {
    unary: (...args) => moving(current, chosen().unary(...args)),
    stream: (...args) => moving(current, chosen().stream(...args)),
    close: () => {
      for (const session of sessions) session.abort();
    },
  };
}
