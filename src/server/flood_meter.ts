/** Tells a flood of frames from the traffic of an honest HTTP/2 client, one connection each. */
import type { Http2Session, ServerHttp2Session } from "node:http2";
import type { Millis } from "../domain/time.ts";
import type { Allowance, Limits } from "./limits.ts";

export interface FloodMeter {
  /** How many streams are open. */
  readonly openStreams: number;
  /** When the last stream ended, or the connection began; on the clock of `performance.now()`. */
  readonly idleSince: Millis;
  /** To be called now and then. What the client floods the connection with, for the log; null as long as it does not. */
  flood(): string | null;
}

/** Spends an allowance. */
interface Purse {
  /** False if there is not enough left. */
  spend(amount: number): boolean;
}

interface Account {
  bodyBytes: number;
}

const accounts = new WeakMap<Http2Session, Account>();

// What a SETTINGS frame costs, in PING frames.
const SETTINGS_COST = 10;

/**
 * Counts what Node itself sets no limit to. Resets, CONTINUATION frames, invalid and empty frames are counted by Node and nghttp2, which
 * end the connection by themselves.
 *
 * @param onFlood called at once, once, where the frames themselves can be counted
 */
export function meterFloods(session: ServerHttp2Session, limits: Limits, onFlood: (what: string) => void): FloodMeter {
  const account: Account = { bodyBytes: 0 };
  accounts.set(session, account);
  const control = createPurse(limits.controlFrames);
  const overhead = createPurse(limits.overheadBytes);
  let openStreams = 0;
  let idleSince = performance.now();
  let opened = 0;
  let readBefore = 0;

  const count = (cost: number): void => {
    if (control.spend(cost)) return;
    session.off("ping", onPing).off("remoteSettings", onSettings);
    onFlood("PING and SETTINGS frames");
  };
  const onPing = (): void => count(1);
  const onSettings = (): void => count(SETTINGS_COST);
  session.on("ping", onPing).on("remoteSettings", onSettings);

  session.on("stream", (stream) => {
    openStreams += 1;
    opened += 1;
    stream.on("close", () => {
      openStreams -= 1;
      idleSince = performance.now();
    });
  });

  return {
    get openStreams() {
      return openStreams;
    },
    get idleSince() {
      return idleSince;
    },
    flood() {
      const read = session.socket.bytesRead;
      // A head may be smaller than the largest that is taken; what it leaves is little, and paid for with a request.
      const meant = account.bodyBytes + opened * limits.maxHeaderBytes;
      const spare = read - readBefore - meant;
      readBefore = read;
      account.bodyBytes = 0;
      opened = 0;
      return overhead.spend(spare) ? null : "frames that carry nothing";
    },
  };
}

/** Tells the meter of a connection how much of what it sends are the bodies of requests. */
export function creditBody(session: Http2Session | undefined, bytes: number): void {
  const account = session === undefined ? undefined : accounts.get(session);
  if (account !== undefined) account.bodyBytes += bytes;
}

function createPurse({ burst, perSecond }: Allowance): Purse {
  let left = burst;
  let filledAt = performance.now();
  return {
    spend(amount) {
      const now = performance.now();
      left = Math.min(burst, left + ((now - filledAt) / 1000) * perSecond - amount);
      filledAt = now;
      return left >= 0;
    },
  };
}
