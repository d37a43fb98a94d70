/** Plays everything outside the core: the dispatcher, the worker, the listeners. */
import type { Command } from "../../src/domain/command.ts";
import type { Effect } from "../../src/domain/effect.ts";
import type { World } from "./executions.ts";

/** Carries out effects in the order of their times, until there are no more. */
export function settle(world: World, workerReports: boolean): void {
  const owed = world.effects.splice(0);
  for (let turn = 0; turn < 500; turn += 1) {
    serveListeners(world);
    if (workerReports) reportStop(world);
    owed.push(...world.effects.splice(0));
    owed.sort((a, b) => a.dueAt - b.dueAt);
    const effect = owed.shift();
    if (effect === undefined) return;
    world.now = Math.max(world.now, effect.dueAt);
    const command = carriedOut(effect);
    if (command !== null) world.send(command);
    if (world.execution?.cancellation?.stage === "ended" && effect.type === "verify") continue;
  }
  throw new Error("the effects never ran out");
}

function carriedOut(effect: Effect): Command | null {
  switch (effect.type) {
    case "request_stop":
      return { type: "signal_delivered", cancellationId: effect.cancellationId, signal: "stop" };
    case "terminate":
      return { type: "signal_delivered", cancellationId: effect.cancellationId, signal: "terminate" };
    case "verify":
      return {
        type: "verified",
        cancellationId: effect.cancellationId,
        engineStatus: { status: "running", detail: "no report yet" },
      };
    case "force_timer":
      return { type: "force_due", cancellationId: effect.cancellationId };
    case "children_timer":
      return { type: "children_due", cancellationId: effect.cancellationId };
    case "lease_timer":
      return { type: "lease_due", token: effect.token };
    case "listener_timer":
      return { type: "listener_lock_due", jobKey: effect.jobKey, activation: effect.activation };
    case "cancel_children":
      return { type: "children_changed", change: "ended" };
    case "notify_parent":
      return null;
    case "callback":
      return { type: "callback_settled", delivered: true, attempts: 1, message: "HTTP 204" };
  }
}

function reportStop(world: World): void {
  const { lease, cancellation } = world.execution ?? {};
  if (!lease || !cancellation || cancellation.proof === "confirmed") return;
  if (cancellation.stage === "stopping" || cancellation.stage === "terminating") {
    world.send({ type: "report_stopped", token: lease.token, evidence: "gone" });
  }
}

function serveListeners(world: World): void {
  for (;;) {
    const { cancellation } = world.execution ?? {};
    const job = cancellation?.listenerJob;
    if (!cancellation || !job) return;
    if (job.state === "incident") world.send({ type: "resolve_incident", cancellationId: cancellation.id, retries: 1 });
    world.now = Math.max(world.now, world.execution?.cancellation?.listenerJob?.availableAt ?? 0);
    world.send({ type: "activate_listener_job", jobKey: job.key, workerId: "l-1", lock: 5_000 });
    const taken = world.execution?.cancellation?.listenerJob;
    world.send({ type: "complete_listener_job", jobKey: job.key, activation: taken?.activation ?? 0 });
  }
}
