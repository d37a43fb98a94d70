/** Serves listener jobs: the clean-up that must be done before a cancellation completes. */
import type { Client } from "@connectrpc/connect";
import type { ListenerJob, WorkerService } from "../../gen/belay/v1/worker_service_pb.ts";
import type { Logger } from "./logger.ts";
import { isRefusedFor, isWorthRetrying } from "./refusal.ts";
import { pause, pauseAfter, retry } from "./retry.ts";

/** Seconds to wait for a job in one call. */
const WAIT_SECONDS = 30;
/** Milliseconds that a call may take beyond its wait. */
const CALL_TIMEOUT = 10_000;
const MESSAGE_LENGTH = 8192;

export interface ServeListenerOptions {
  /** How many jobs to work on at a time: 1 to 100, default 1. */
  readonly concurrency?: number;
  /** How long a job may take before another worker may take it, in seconds: 1 to 3600, default 60. */
  readonly lockSeconds?: number;
}

/**
 * Does one listener job. When it resolves, the job is completed; when it rejects, the job has failed and is tried again, until its
 * retries have run out and the cancellation shows an incident.
 *
 * @param signal fires when the job's lock has ended, so that another worker may take it, and when the listener worker is stopped
 */
export type ListenerHandler = (job: ListenerJob, signal: AbortSignal) => void | Promise<void>;

/** A listener worker at work. */
export interface ListenerWorker {
  /** Takes no more jobs, tells those under way to stop, and resolves when they have settled. */
  stop(): Promise<void>;
}

export interface ListenerContext {
  readonly workerId: string;
  readonly workers: Client<typeof WorkerService>;
  readonly logger: Logger;
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

/** See {@link Belay.serveListener}. */
export function serveListener(
  context: ListenerContext,
  types: readonly string[],
  handler: ListenerHandler,
  { concurrency = 1, lockSeconds = 60 }: ServeListenerOptions,
): ListenerWorker {
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, context.closed]);
  const serve = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const job = await takeJob(context, types, lockSeconds, signal);
        failures = 0;
        if (job !== undefined) await work(context, job, handler, lockSeconds, signal);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const level = isWorthRetrying(error) && failures > 1 ? "debug" : "warn";
        context.logger[level](`listener ${types.join(", ")}: ${error}`);
        await pause(pauseAfter(failures), signal);
      }
    }
  };
  const served = Promise.all(Array.from({ length: concurrency }, serve));
  return {
    async stop() {
      stopped.abort();
      await served;
    },
  };
}

async function takeJob(
  { workerId, workers }: ListenerContext,
  types: readonly string[],
  lockSeconds: number,
  signal: AbortSignal,
): Promise<ListenerJob | undefined> {
  const request = { workerId, types: [...types], maxJobs: 1, lockSeconds, waitSeconds: WAIT_SECONDS };
  const timeoutMs = WAIT_SECONDS * 1000 + CALL_TIMEOUT;
  const { jobs } = await workers.activateListenerJobs(request, { timeoutMs, signal });
  return jobs[0];
}

async function work(
  context: ListenerContext,
  job: ListenerJob,
  handler: ListenerHandler,
  lockSeconds: number,
  stopped: AbortSignal,
): Promise<void> {
  const { workers, logger } = context;
  const lock = AbortSignal.timeout(lockSeconds * 1000);
  const ref = { jobKey: job.key, activation: job.activation };
  const failure = await settle(() => handler(job, AbortSignal.any([lock, stopped])));
  // Beyond the lock Belay would refuse it, so trying on is of no use. A stopped worker still says how its last job ended.
  const signal = AbortSignal.any([lock, context.closed]);
  const call = { timeoutMs: CALL_TIMEOUT, signal };
  const report = (): Promise<unknown> =>
    failure === undefined
      ? workers.completeListenerJob(ref, call)
      : workers.failListenerJob({ ...ref, message: failure.slice(0, MESSAGE_LENGTH).toWellFormed() }, call);
  try {
    await retry(report, signal, (error) => logger.debug(`listener job ${job.key} not reported yet: ${error}`));
  } catch (error) {
    if (!lock.aborted && !isRefusedFor(error, "LISTENER_JOB_NOT_HELD", "LISTENER_JOB_NOT_FOUND")) throw error;
    logger.warn(`listener job ${job.key} took longer than its lock; another worker may do it again`);
  }
}

/** What went wrong; undefined if nothing did. */
async function settle(handle: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await handle();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message || error.name : String(error);
  }
}
