/** Carries out one effect. */
import type { Command } from "../domain/command.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import type { Millis } from "../domain/time.ts";
import type { Delivery, Engine } from "../engines/engine.ts";
import type { Faults } from "../store/faults.ts";
import type { Store, StoredEffect } from "../store/store.ts";
import type { CallbackSender } from "./callback_sender.ts";
import { type CancellationFlags, raiseFlag } from "./cancellation_flags.ts";
import type { Clock } from "./clock.ts";
import type { CommandQueue } from "./command_queue.ts";
import { type HeardLeases, latestEndOf } from "./heard_leases.ts";
import { mintUuid } from "./ids.ts";

/** How long an engine may take to answer. */
const ENGINE_DEADLINE: Millis = 10_000;

/** How many children are cancelled at a time. */
const CHILDREN_PAGE = 500;

/** The longest wait between two attempts at a callback: a receiver that is down for hours is not worth more. */
const LONGEST_CALLBACK_WAIT: Millis = 10 * 60 * 1000;

/**
 * `done`: the effect is gone. `postponed`: it was too early. `failed`: it is to be tried again after a backoff, of `longestWait` at most
 * if that is not the default.
 */
type EffectResult =
  | { readonly type: "done" }
  | { readonly type: "postponed"; readonly dueAt: Millis }
  | { readonly type: "failed"; readonly longestWait?: Millis };

const DONE: EffectResult = { type: "done" };

export interface EffectRunnerOptions {
  readonly store: Store;
  readonly queue: CommandQueue;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly clock: Clock;
  readonly callbacks: CallbackSender;
  readonly flags: CancellationFlags;
  readonly heard: HeardLeases;
  readonly faults: Faults | undefined;
  /** When this process started. */
  readonly startedAt: Millis;
  /**
   * From when on leases may end that were last renewed before the start. While the server was down no heartbeat could arrive, so after a
   * start each worker has one lease's time to come back. A lease whose last heartbeat may have been lost with the process ends later, if
   * that is due.
   */
  readonly leasesEndFrom: Millis;
}

export interface EffectRunner {
  /** @param owner the execution that owes the effect, if the last commit about it is known; null: it is read */
  run(effect: StoredEffect, owner: Execution | null): Promise<EffectResult>;
}

export function createEffectRunner(options: EffectRunnerOptions): EffectRunner {
  const { store, queue, engines, clock, callbacks, flags, heard, faults, startedAt, leasesEndFrom } = options;

  /** Decides a command that carries out the effect, which is removed with it. */
  async function settle(stored: StoredEffect, command: Command, key: ExecutionKey = stored.key): Promise<EffectResult> {
    await queue.submitOwed({ key, command, idempotency: null, effectId: stored.id, audit: null });
    return DONE;
  }

  async function drop(stored: StoredEffect): Promise<EffectResult> {
    await store.dropEffect(stored.id);
    return DONE;
  }

  async function callEngine(engine: Engine, execution: Execution, signal: "stop" | "terminate"): Promise<Delivery> {
    if (faults !== undefined) await faults.reach("engine.before_call");
    const deadline = AbortSignal.timeout(ENGINE_DEADLINE);
    const delivery =
      signal === "stop" ? await engine.requestStop(execution, deadline) : await engine.terminate(execution, deadline);
    if (faults !== undefined) await faults.reach("engine.after_call");
    return delivery;
  }

  async function deliver(
    stored: StoredEffect,
    owner: Execution | null,
    cancellationId: string,
    signal: "stop" | "terminate",
  ): Promise<EffectResult> {
    const execution = owner ?? (await store.findExecution(stored.key));
    const cancellation = execution?.cancellation;
    const engine = engines.get(execution?.spec.engine ?? "");
    const stage = signal === "stop" ? "stopping" : "terminating";
    if (
      execution === null ||
      engine === undefined ||
      cancellation?.id !== cancellationId ||
      cancellation.stage !== stage
    ) {
      return drop(stored);
    }
    const delivery = await callEngine(engine, execution, signal);
    switch (delivery.type) {
      case "delivered":
        return settle(stored, { type: "signal_delivered", cancellationId, signal });
      case "refused":
        return settle(stored, {
          type: "signal_failed",
          cancellationId,
          signal,
          permanent: true,
          message: delivery.message,
        });
      case "unreachable":
        // The worker may be attached to another replica, which then carries the effect out.
        if (store.notices !== null && execution.lease !== null) {
          const { workerId } = execution.lease;
          await store.notices.send({ type: "order", workerId, key: stored.key, effectId: stored.id });
        }
        // The timeline tells it once, and not of a worker that is just connecting. All other attempts are the dispatcher's business.
        if (stored.attempts === 1) {
          const { message } = delivery;
          await queue.submitOwed({
            key: stored.key,
            command: { type: "signal_failed", cancellationId, signal, permanent: false, message },
            idempotency: null,
            effectId: null,
            audit: null,
          });
        }
        return { type: "failed" };
    }
  }

  /** Until when the lease of a worker that has not been heard of since the start can't end, as it may still come back; null: it can. */
  async function graceOf(stored: StoredEffect): Promise<Millis | null> {
    if (clock.now() >= leasesEndFrom && !heard.isKeeping) return null;
    const execution = await store.findExecution(stored.key);
    const lease = execution?.lease;
    if (execution === null || lease == null || heard.knows(execution)) return null;
    if (lease.expiresAt - lease.duration >= startedAt) return null;
    const end = heard.isKeeping ? Math.max(leasesEndFrom, latestEndOf(lease)) : leasesEndFrom;
    return clock.now() < end ? end : null;
  }

  async function verify(stored: StoredEffect, cancellationId: string): Promise<EffectResult> {
    const execution = await store.findExecution(stored.key);
    const engine = engines.get(execution?.spec.engine ?? "");
    const { id, stage } = execution?.cancellation ?? {};
    if (execution === null || engine === undefined || id !== cancellationId || stage === "ended") return drop(stored);
    const engineStatus = await engine.describe(execution, AbortSignal.timeout(ENGINE_DEADLINE));
    return settle(stored, { type: "verified", cancellationId, engineStatus });
  }

  async function cancelChildren(stored: StoredEffect, owner: Execution | null): Promise<EffectResult> {
    const cancellation = (owner ?? (await store.findExecution(stored.key)))?.cancellation;
    if (cancellation === undefined || cancellation === null) return drop(stored);
    const { id, strategy, forceAfter, reason, requestedBy } = cancellation;
    let after: ExecutionKey | null = null;
    do {
      const children: readonly ExecutionKey[] = await store.listLiveChildren(stored.key, after, CHILDREN_PAGE);
      await Promise.all(
        children.map(async (key) => {
          const { reply, execution } = await queue.submitOwed({
            key,
            command: {
              type: "cancel",
              cancellationId: mintUuid(),
              strategy,
              forceAfter,
              reason,
              requestedBy,
              parentCancellationId: id,
              operationReference: null,
            },
            idempotency: null,
            effectId: null,
            audit: null,
          });
          if (reply.accepted && execution !== null) await raiseFlag(flags, execution);
        }),
      );
      after = children.length === CHILDREN_PAGE ? (children.at(-1) ?? null) : null;
    } while (after !== null);
    return drop(stored);
  }

  async function notifyParent(
    stored: StoredEffect,
    owner: Execution | null,
    change: "registered" | "ended",
  ): Promise<EffectResult> {
    const parent = (owner ?? (await store.findExecution(stored.key)))?.spec.parent;
    if (parent === undefined || parent === null) return drop(stored);
    return settle(stored, { type: "children_changed", change }, { tenant: stored.key.tenant, ...parent });
  }

  async function callBack(stored: StoredEffect, owner: Execution | null): Promise<EffectResult> {
    const execution = owner ?? (await store.findExecution(stored.key));
    const url = execution?.spec.callbackUrl ?? null;
    if (execution === null || url === null) return drop(stored);
    const attempt = stored.attempts + 1;
    const { type, message } = await callbacks.send({ execution, url, attempt, owedSince: stored.effect.dueAt });
    if (type === "failed") return { type: "failed", longestWait: LONGEST_CALLBACK_WAIT };
    return settle(stored, { type: "callback_settled", delivered: type === "delivered", attempts: attempt, message });
  }

  return {
    run: async (stored, owner) => {
      const { effect } = stored;
      switch (effect.type) {
        case "request_stop":
          return deliver(stored, owner, effect.cancellationId, "stop");
        case "terminate":
          return deliver(stored, owner, effect.cancellationId, "terminate");
        case "verify":
          return verify(stored, effect.cancellationId);
        case "force_timer":
          return settle(stored, { type: "force_due", cancellationId: effect.cancellationId });
        case "children_timer":
          return settle(stored, { type: "children_due", cancellationId: effect.cancellationId });
        case "lease_timer": {
          const dueAt = await graceOf(stored);
          if (dueAt !== null) return { type: "postponed", dueAt };
          return settle(stored, { type: "lease_due", token: effect.token });
        }
        case "listener_timer":
          return settle(stored, {
            type: "listener_lock_due",
            jobKey: effect.jobKey,
            activation: effect.activation,
          });
        case "cancel_children":
          return cancelChildren(stored, owner);
        case "notify_parent":
          return notifyParent(stored, owner, effect.change);
        case "callback":
          return callBack(stored, owner);
      }
    },
  };
}
