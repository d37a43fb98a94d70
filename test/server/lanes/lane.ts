/** One server of a pair: what it answers, and what it logs and notices meanwhile. */
import type { Logger } from "pino";
import { type PortOptions, startPort } from "../../../src/server/port.ts";
import { createLog, type LogUnderTest } from "../log_under_test.ts";
import type { Ask } from "./ask.ts";
import type { Backend } from "./backend.ts";
import type { Case } from "./case.ts";
import { type Dial, inCleartext, overTls } from "./dial.ts";
import { http1Client } from "./http1_client.ts";
import { http2Client } from "./http2_client.ts";
import { type Answer, likened } from "./seen.ts";
import { FOLLOWER_ID, HTTP1_FOLLOWER, HTTP2_FOLLOWER } from "./wire.ts";

/** What came of a request, for a comparison. */
interface Outcome {
  readonly summary: string;
  readonly answer: unknown;
  /** What the same connection answered next; null if it was closed, and another one had to be opened. */
  readonly next: unknown;
  readonly log: readonly unknown[];
  readonly events: readonly string[];
}

export interface Lane {
  readonly dial: Dial;
  readonly backend: Backend;
  readonly log: LogUnderTest;
  /** Asks, on a connection of its own, and then once more. One at a time. */
  outcomeOf(one: Case): Promise<Outcome>;
  close(): Promise<void>;
}

/** @param ca who signed the certificate, if it serves over TLS */
export async function openLane(
  backendOf: (logger: Logger) => Promise<Backend>,
  change: Partial<PortOptions>,
  ca?: string,
): Promise<Lane> {
  const log = createLog();
  const backend = await backendOf(log.logger);
  const port = await startPort({
    host: "127.0.0.1",
    port: 0,
    tls: null,
    corsOrigins: [],
    shutdownGrace: 0,
    logger: log.logger,
    ...backend.options,
    ...change,
  });
  const dial = ca === undefined ? inCleartext(port.address.port) : overTls(port.address.port, ca);
  return {
    dial,
    backend,
    log,
    async outcomeOf({ ask, logged = 1 }) {
      const linesBefore = log.lines.length;
      const eventsBefore = backend.events.length;
      const { answer, next } = await askTwice(dial, typeof ask === "function" ? ask(backend) : ask, backend.reached);
      // The line of a request may come after the answer of the next.
      const isComplete = (): boolean => requestsIn(log.lines.slice(linesBefore)) >= logged + 1;
      if (!isComplete()) await log.logged(isComplete);
      const lines = log.lines.slice(linesBefore).filter((line) => line["request_id"] !== FOLLOWER_ID);
      return {
        summary: answer.summary,
        answer: answer.all,
        next: next?.all ?? null,
        log: lines.map(likenedLine),
        events: backend.events.slice(eventsBefore),
      };
    },
    async close() {
      await port.close();
      await backend.close();
    },
  };
}

async function askTwice(
  dial: Dial,
  ask: Ask,
  reached: () => Promise<void>,
): Promise<{ readonly answer: Answer; readonly next: Answer | null }> {
  if (ask.over === "HTTP/2") {
    const client = await http2Client(dial, ask.window);
    const answer = await client.ask(ask, reached);
    const next = answer.isOpen ? await client.ask(HTTP2_FOLLOWER, reached) : null;
    client.close();
    if (next === null) await follow(dial);
    return { answer, next };
  }
  const client = http1Client(dial);
  const answer = await client.ask(ask, reached);
  const next = answer.isOpen ? await client.ask(HTTP1_FOLLOWER, reached) : null;
  client.close();
  if (next === null) await follow(dial);
  return { answer, next };
}

/** Shows that the server lives on where the connection does not. */
async function follow(dial: Dial): Promise<void> {
  const client = http1Client(dial);
  await client.ask(HTTP1_FOLLOWER, () => Promise.resolve());
  client.close();
}

type Line = LogUnderTest["lines"][number];

function requestsIn(lines: readonly Line[]): number {
  return lines.filter(({ msg }) => msg === "request").length;
}

/** A line without what no two requests have in common. */
function likenedLine({ time, pid, hostname, duration_ms, err, ...rest }: Line): unknown {
  const all = {
    ...rest,
    duration: typeof duration_ms,
    ...(err !== undefined && { err: err.message }),
    at: [typeof time, typeof pid, typeof hostname],
  };
  return JSON.parse(likened(JSON.stringify(all)));
}
