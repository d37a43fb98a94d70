/** Watches over HTTP/2 connections: closes those that are idle, and cuts those that flood. */
import { constants, type ServerHttp2Session } from "node:http2";
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { Connections } from "./connections.ts";
import { type FloodMeter, meterFloods } from "./flood_meter.ts";
import type { Limits } from "./limits.ts";

export interface SessionWatch {
  add(session: ServerHttp2Session): void;
  /** Asks all clients to go elsewhere. Their calls may still end. */
  closeAll(): void;
  /** Resolves when none is left. */
  ended(): Promise<void>;
}

// How often each connection is looked at.
const ROUND: Millis = 500;

// For the last words to reach a client that was cut off, or has nothing more to say.
const FAREWELL: Millis = 1_000;

export function watchSessions(limits: Limits, connections: Connections, logger: Logger): SessionWatch {
  const meters = new Map<ServerHttp2Session, FloodMeter>();
  let closing = false;
  let rounds: NodeJS.Timeout | undefined;

  const cut = (session: ServerHttp2Session, what: string): void => {
    if (session.destroyed) return;
    const { remoteAddress, remotePort } = session.socket;
    logger.warn({ address: remoteAddress, flood: what }, "cut off an HTTP/2 client that floods");
    session.destroy(new Error(`too many ${what}`), constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // A client that reads nothing would keep even a destroyed session's socket open.
    destroyLater(connections, { remoteAddress, remotePort });
  };

  const closeIdle = (session: ServerHttp2Session): void => {
    const { remoteAddress, remotePort } = session.socket;
    session.close();
    destroyLater(connections, { remoteAddress, remotePort });
  };

  const lookAt = (session: ServerHttp2Session, meter: FloodMeter): void => {
    if (session.destroyed) return;
    const flood = meter.flood();
    if (flood !== null) cut(session, flood);
    else if (isIdle(meter, limits) && !session.closed) closeIdle(session);
  };

  const lookAround = (): void => {
    for (const [session, meter] of meters) lookAt(session, meter);
  };

  return {
    add(session) {
      meters.set(
        session,
        meterFloods(session, limits, (what) => cut(session, what)),
      );
      rounds ??= setInterval(lookAround, roundOf(limits)).unref();
      session.on("close", () => {
        meters.delete(session);
        if (meters.size > 0) return;
        clearInterval(rounds);
        rounds = undefined;
      });
      // Its connection was there before, its first bytes were not.
      if (closing) session.close();
    },
    closeAll() {
      closing = true;
      for (const session of meters.keys()) session.close();
    },
    async ended() {
      await Promise.all(Array.from(meters.keys(), (session) => closed(session)));
    },
  };
}

/** A connection with a quiet stream is not idle: its client waits for an answer. */
function isIdle({ openStreams, idleSince }: FloodMeter, { idleTimeout }: Limits): boolean {
  return openStreams === 0 && performance.now() - idleSince > idleTimeout;
}

function roundOf({ idleTimeout }: Limits): Millis {
  return Math.min(ROUND, idleTimeout);
}

function closed(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    session.once("close", resolve);
  });
}

function destroyLater(connections: Connections, client: Parameters<Connections["destroy"]>[0]): void {
  setTimeout(() => connections.destroy(client), FAREWELL).unref();
}
