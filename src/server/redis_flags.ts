/** Cancellation flags in Redis: a key that any program can look at, and a message to those that listen. See docs/worker-protocol.md. */
import { createClient, type RedisClientType } from "@redis/client";
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { CancellationFlag, CancellationFlags } from "../service/cancellation_flags.ts";

/** The channel on which every flag is published. */
const CHANNEL = "belay:cancelled";

/** Longer than a run's code is likely to go without looking, short enough that flags don't pile up. In seconds. */
const TIME_TO_LIVE = 24 * 60 * 60;

/** A person waits for the cancel's answer, and the flag only hastens what happens anyway. */
const PATIENCE: Millis = 250;

/** How soon a connection that was lost is tried again, and how soon one is noticed that stands but says nothing. */
const MAX_RECONNECT_WAIT: Millis = 2_000;
const PING_INTERVAL: Millis = 1_000;
const SILENCE: Millis = 5_000;

/** As many flags as may wait for the replies of a Redis that has gone silent. */
const MAX_UNANSWERED = 10_000;

export interface RedisFlags extends CancellationFlags {
  close(): void;
}

/**
 * Flags in the Redis at `url`. Resolves once it is connected, or shortly after the start without: it connects by itself, again and again,
 * and as long as there is no connection no flag is raised.
 */
export async function openRedisFlags(url: string, logger: Logger): Promise<RedisFlags> {
  const client: RedisClientType = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_UNANSWERED,
    pingInterval: PING_INTERVAL,
    socket: {
      connectTimeout: SILENCE,
      socketTimeout: SILENCE,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 10), MAX_RECONNECT_WAIT),
    },
  });
  const report = createReport(logger);
  client.on("error", report.lost).on("ready", report.back);
  const connected = client.connect().then(
    () => true,
    // The strategy never gives up, so this is a close before the first connection. What kept it from connecting was told as an event.
    () => false,
  );
  await within(PATIENCE, connected);
  return {
    raise: (flag) => within(PATIENCE, raise(client, flag, report)),
    close: () => client.destroy(),
  };
}

/** Resolves with false if Redis did not take it. */
async function raise(client: RedisClientType, flag: CancellationFlag, report: Report): Promise<boolean> {
  const { key, cancellationId, strategy, reason } = flag;
  const name = `belay:cancelled:${key.tenant}:${key.kind}:${key.id}`;
  const cancellation = { cancellation_id: cancellationId, strategy, reason };
  const message = { key: name, tenant: key.tenant, kind: key.kind, id: key.id, ...cancellation };
  try {
    await client
      .multi()
      .set(name, JSON.stringify(cancellation), { expiration: { type: "EX", value: TIME_TO_LIVE } })
      .publish(CHANNEL, JSON.stringify(message))
      .exec();
    report.back();
    return true;
  } catch (error) {
    report.lost(error);
    return false;
  }
}

/** Resolves with what `promise` says in time; with false if it says nothing. */
async function within(limit: Millis, promise: Promise<boolean>): Promise<boolean> {
  const { promise: timeUp, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), limit);
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

interface Report {
  /** Redis is away, or refuses what it is told. */
  readonly lost: (error: unknown) => void;
  readonly back: () => void;
}

/** Logs once when flags can't be raised any more, and once when they can: every attempt in between fails in the same way. */
function createReport(logger: Logger): Report {
  let isLost = false;
  return {
    lost: (error) => {
      if (!isLost) logger.warn({ err: error }, "Redis takes no cancellation flags; cancels go on without them");
      isLost = true;
    },
    back: () => {
      if (isLost) logger.warn("Redis takes cancellation flags again");
      isLost = false;
    },
  };
}
