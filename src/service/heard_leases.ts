/** Heartbeats that need not be written at once: the stored lease still has more than half of its duration left. */
import { type Execution, isLive, keyOf, type Lease } from "../domain/execution.ts";
import { type Heard, withHeartbeat } from "../domain/heard.ts";
import { signalFor } from "../domain/signal.ts";
import type { Millis } from "../domain/time.ts";
import type { Applied, Envelope } from "../store/store.ts";

/** A heartbeat is remembered only while more than this part of the lease is left in the store. */
const MOST_UNWRITTEN = 0.5;

/** When a stored lease ends at the latest, if heartbeats came that were only remembered. */
export function latestEndOf({ expiresAt, duration }: Lease): Millis {
  return expiresAt + Math.ceil(duration * MOST_UNWRITTEN);
}

interface Remembered {
  readonly heard: Heard;
  /** From then on it is worth nothing: the lease has lasted its full duration after it. */
  readonly until: Millis;
}

/**
 * The heartbeats that were answered without a write. They are written with the next command about their execution, whatever it is: with
 * the one of the lease's own timer at the latest. So none is decided, and no lease ends, without them.
 */
export class HeardLeases {
  readonly #most: number;
  /** By `keyOf`, in the order in which they came. */
  readonly #heard = new Map<string, Remembered>();

  /** @param most how many it keeps; 0: none, every heartbeat is written at once */
  constructor(most: number) {
    this.#most = most;
  }

  /** True if heartbeats may be lost in a restart. */
  get isKeeping(): boolean {
    return this.#most > 0;
  }

  /**
   * Takes a heartbeat of work that runs on, and returns the execution with its lease extended; null if the heartbeat has to be decided,
   * durably: because it revives or renews the lease, or has something to tell.
   */
  hear(execution: Execution | null, token: number, now: Millis): Execution | null {
    if (execution === null || execution.state !== "running" || signalFor(execution, token) !== "none") return null;
    const { lease } = execution;
    if (lease === null || lease.expired || lease.expiresAt - now <= lease.duration * MOST_UNWRITTEN) return null;
    const key = keyOf(execution.key);
    this.#heard.delete(key);
    if (!this.#hasRoom(now)) return null;
    const heard: Heard = { token, at: now };
    this.#heard.set(key, { heard, until: now + lease.duration });
    return withHeartbeat(execution, heard);
  }

  /** The execution with its lease as the last heartbeat left it. */
  current(execution: Execution): Execution {
    const heard = this.#find(execution);
    return heard === undefined ? execution : withHeartbeat(execution, heard);
  }

  /** True if a heartbeat is remembered for this lease. */
  knows(execution: Execution): boolean {
    const heard = this.#find(execution);
    return heard !== undefined && heard.token === execution.lease?.token;
  }

  /** The same commands, with the heartbeats that they are to count. */
  tell(envelopes: readonly Envelope[]): readonly Envelope[] {
    if (this.#heard.size === 0) return envelopes;
    return envelopes.map((envelope) => {
      const heard = this.#find(envelope);
      return heard === undefined ? envelope : { ...envelope, heard };
    });
  }

  /** Forgets a heartbeat that is written now, or matters no more. */
  settle({ execution }: Applied): void {
    if (this.#heard.size === 0 || execution === null) return;
    const heard = this.#find(execution);
    if (heard === undefined || isStillUnwritten(execution, heard)) return;
    this.#heard.delete(keyOf(execution.key));
  }

  #find({ key }: Pick<Execution, "key">): Heard | undefined {
    return this.#heard.size === 0 ? undefined : this.#heard.get(keyOf(key))?.heard;
  }

  #hasRoom(now: Millis): boolean {
    if (this.#heard.size < this.#most) return true;
    for (const [key, { until }] of this.#heard) {
      if (until > now) return false;
      this.#heard.delete(key);
    }
    return this.#most > 0;
  }
}

/** The execution may be an older one, in the repeated answer to an earlier command: that says nothing about a later lease. */
function isStillUnwritten(execution: Execution, { token, at }: Heard): boolean {
  const { lease } = execution;
  if (!isLive(execution)) return false;
  return lease === null || lease.token < token || (lease.token === token && lease.expiresAt < at + lease.duration);
}
