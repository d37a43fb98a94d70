/** Admission: decides, before anything is read, whether a call is let in or refused because the server has too much to do. */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import { RANKS, type Rank } from "../rpc/rank.ts";
import { createRankLimits } from "./admission_limits.ts";
import { watchLoop } from "./loop_load.ts";

export interface AdmissionOptions {
  /** How long the command that waits longest has been waiting. */
  readonly commandDelay: () => Millis;
  readonly logger: Logger;
}

export interface Admission {
  /** Lets a call in: to be called when it is answered. Calling that twice is safe. Null: it is refused. */
  enter(rank: Rank): (() => void) | null;
  close(): void;
}

/** How often the limits are adapted: long enough to see a queue, short enough that the first burst of an overload is over soon. */
const ADAPT_EVERY: Millis = 20;

/** Commands wait for the batches before theirs, also where nobody has to queue: that counts for so much less. */
const COMMAND_DELAY_SHARE = 0.1;

/** A log line for each refused call would be one more burden. */
const LOG_EVERY: Millis = 10_000;

export function createAdmission({ commandDelay, logger }: AdmissionOptions): Admission {
  const limits = createRankLimits();
  const loop = watchLoop();
  let refused = noneRefused();

  const adapting = setInterval(() => {
    const { delay, busy } = loop.take();
    limits.adapt({ delay: Math.max(delay, commandDelay() * COMMAND_DELAY_SHARE), busy });
  }, ADAPT_EVERY);
  const logging = setInterval(() => {
    if (RANKS.every((rank) => refused[rank] === 0)) return;
    const limit = Object.fromEntries(RANKS.map((rank) => [rank, limits.limitOf(rank)]));
    logger.warn({ refused, limit, within_ms: LOG_EVERY }, "overloaded: calls are refused, the least important first");
    refused = noneRefused();
  }, LOG_EVERY);
  // Neither is a reason to stay alive.
  adapting.unref();
  logging.unref();

  return {
    enter(rank) {
      const leave = limits.enter(rank);
      if (leave === null) refused[rank] += 1;
      return leave;
    },
    close() {
      clearInterval(adapting);
      clearInterval(logging);
      loop.close();
    },
  };
}

function noneRefused(): Record<Rank, number> {
  return { critical: 0, write: 0, read: 0, list: 0 };
}
