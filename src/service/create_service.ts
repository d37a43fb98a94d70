/** Puts the use cases, the command queue, the event bus and the effect dispatcher together over a store. */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { Engine } from "../engines/engine.ts";
import type { WorkerEngine } from "../engines/worker_engine.ts";
import { EFFECT_CLAIM } from "../store/effect_claim.ts";
import type { Faults } from "../store/faults.ts";
import type { Applied, Store } from "../store/store.ts";
import { batchOperationUseCases } from "./batch_operations.ts";
import { BatchRunner } from "./batch_runner.ts";
import { type CallbackOptions, createCallbackSender } from "./callback_sender.ts";
import { type CancellationFlags, NO_FLAGS } from "./cancellation_flags.ts";
import { cancellationUseCases } from "./cancellations.ts";
import type { Clock } from "./clock.ts";
import { CommandQueue } from "./command_queue.ts";
import type { Context } from "./context.ts";
import { EffectDispatcher } from "./effect_dispatcher.ts";
import { createEffectRunner } from "./effect_runner.ts";
import { EventBus } from "./event_bus.ts";
import { executionUseCases } from "./executions.ts";
import { HeardLeases } from "./heard_leases.ts";
import { listenerJobUseCases } from "./listener_jobs.ts";
import { OtherReplicas } from "./other_replicas.ts";
import { productListUseCases } from "./product_lists.ts";
import { Retention, type RetentionTimes } from "./retention.ts";
import type { Service } from "./service.ts";
import { Timelines } from "./timelines.ts";
import { watchUseCases } from "./watching.ts";
import { workerUseCases } from "./workers.ts";

export interface ServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly workers: WorkerEngine;
  /** Engines beside the built-in one. */
  readonly engines?: readonly Engine[];
  /** Where the cancellation flags of workflow runs are raised. Default: nowhere. */
  readonly flags?: CancellationFlags;
  readonly callbacks: CallbackOptions;
  readonly logger: Logger;
  /** In [0, 1). Jitters the waits between attempts. */
  readonly random?: () => number;
  /** How long after the start no lease ends, so that workers can come back. Default: 15 seconds, the default lease. */
  readonly leaseGrace?: Millis;
  /** Default: command ids for 24 hours, which the contract promises, and all else for ever. */
  readonly retention?: Partial<RetentionTimes>;
  /** How long a claim on an effect holds. Default: 30 seconds. */
  readonly effectClaim?: Millis;
  /** Default: none. */
  readonly faults?: Faults | undefined;
}

export interface RunningService extends Service {
  /** How long the command that waits longest to be decided has been waiting. */
  commandDelay(): Millis;
  /** Carries out no more effects, decides what was submitted, and then nothing more. The store stays open. */
  stop(): Promise<void>;
}

/** How many heartbeats are remembered without being written: some 20 MB. Other processes on the same store could not know of them. */
const MOST_HEARD = 100_000;

const DEFAULT_LEASE_GRACE: Millis = 15_000;
const DEFAULT_RETENTION: RetentionTimes = { commands: 24 * 60 * 60 * 1000, executions: null, audit: null };

/** The service over `store`, carrying out what is owed from now on. */
export function createService(options: ServiceOptions): RunningService {
  const { store, clock, workers, logger, flags = NO_FLAGS, effectClaim = EFFECT_CLAIM, faults } = options;
  const engines = new Map<string, Engine>([workers, ...(options.engines ?? [])].map((engine) => [engine.name, engine]));
  const bus = new EventBus();
  const timelines = new Timelines({ store, bus, logger });
  const onCommitted = (applied: readonly Applied[]): void => {
    for (const one of applied) {
      heard.settle(one);
      timelines.publish(one);
    }
    dispatcher.accept(applied);
  };
  const heard = new HeardLeases(store.notices === null ? MOST_HEARD : 0);
  const queue = new CommandQueue({
    store: {
      decidesInOrder: store.decidesInOrder,
      apply: (envelopes, now) => store.apply(heard.tell(envelopes), now),
    },
    clock,
    logger,
    onCommitted,
  });
  const startedAt = clock.now();
  const leasesEndFrom = startedAt + (options.leaseGrace ?? DEFAULT_LEASE_GRACE);
  const callbacks = createCallbackSender(options.callbacks, clock);
  const runner = createEffectRunner({
    store,
    queue,
    engines,
    clock,
    callbacks,
    flags,
    heard,
    faults,
    startedAt,
    leasesEndFrom,
  });
  const random = options.random ?? Math.random;
  const dispatcher = new EffectDispatcher({ store, clock, runner, logger, claim: effectClaim, faults, random });
  dispatcher.start();
  const batchRunner = new BatchRunner({
    batches: store.batchOperations,
    isShared: store.notices !== null,
    commandsHandedOver: () => queue.handedOver(),
    latestCommandAt: () => queue.latestCommandAt,
    onCommitted,
    bus,
    timelines,
    clock,
    logger,
  });
  batchRunner.start();
  const retention = new Retention({
    store,
    clock,
    logger,
    times: { ...DEFAULT_RETENTION, ...options.retention },
  });
  retention.start();
  const { notices } = store;
  const replicas =
    notices === null ? null : new OtherReplicas({ store, notices, bus, timelines, queue, workers, logger });
  replicas?.start();
  const context: Context = { store, queue, bus, heard, clock, engines, workers, flags };
  return {
    ...cancellationUseCases(context),
    ...executionUseCases(context),
    ...productListUseCases(context),
    ...workerUseCases(context),
    ...listenerJobUseCases(context),
    ...watchUseCases(context),
    ...batchOperationUseCases(context, batchRunner),
    commandDelay: () => queue.delay,
    stop: async () => {
      callbacks.stop();
      await replicas?.stop();
      await retention.stop();
      await batchRunner.stop();
      await dispatcher.stop();
      await queue.close();
      await timelines.stop();
    },
  };
}
