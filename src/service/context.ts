/** What the use cases share. */
import type { Command } from "../domain/command.ts";
import type { Execution, ExecutionKey } from "../domain/execution.ts";
import { Refused } from "../domain/refusal.ts";
import { notFound } from "../domain/refusals.ts";
import type { Engine } from "../engines/engine.ts";
import type { WorkerEngine } from "../engines/worker_engine.ts";
import type { Applied, Envelope, Idempotency, Store } from "../store/store.ts";
import type { CancellationFlags } from "./cancellation_flags.ts";
import type { Clock } from "./clock.ts";
import type { CommandQueue } from "./command_queue.ts";
import type { EventBus } from "./event_bus.ts";
import type { HeardLeases } from "./heard_leases.ts";
import type { AuditTrail } from "./service.ts";

export interface Context {
  readonly store: Store;
  readonly queue: CommandQueue;
  readonly bus: EventBus;
  readonly heard: HeardLeases;
  readonly clock: Clock;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly workers: WorkerEngine;
  readonly flags: CancellationFlags;
}

/** A command that was accepted, on an execution that is there. */
export interface Accepted extends Applied {
  readonly reply: Extract<Applied["reply"], { accepted: true }>;
  readonly execution: Execution;
}

/** What a command may carry beside itself. */
interface Submission {
  readonly idempotency?: Idempotency | null | undefined;
  readonly audit?: AuditTrail | null;
}

/** Decides a caller's command, durably. Throws `Refused` if it is refused. */
export async function submit(
  context: Context,
  key: ExecutionKey,
  command: Command,
  { idempotency = null, audit = null }: Submission = {},
): Promise<Accepted> {
  const applied = await submitAudited(
    context,
    { key, command, idempotency, effectId: null, audit: audit?.call ?? null },
    audit,
  );
  const { reply, execution } = applied;
  if (!reply.accepted) throw new Refused(reply.refusal);
  if (execution === null) throw new Refused(notFound(key));
  return { ...applied, reply, execution };
}

/** A caller may be answered that its time is up before this resolves: what is decided nevertheless is then written down by the store. */
async function submitAudited({ queue }: Context, envelope: Envelope, audit: AuditTrail | null): Promise<Applied> {
  if (audit === null) return queue.submit(envelope);
  audit.isRecorded = true;
  try {
    return await queue.submit(envelope);
  } catch (error) {
    audit.isRecorded = false;
    throw error;
  }
}
