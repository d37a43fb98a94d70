/** Random histories of commands for the property tests of the core. */
import fc from "fast-check";
import { STRATEGIES } from "../../src/domain/cancellation.ts";
import type { Command } from "../../src/domain/command.ts";
import { type Execution, KINDS, type Kind } from "../../src/domain/execution.ts";
import { cancelWith, NO_FACTS, specWith, type World, worldOf } from "./executions.ts";

const WORKERS = ["w-1", "w-2"] as const;
const LISTENERS = [
  { type: "cleanup", retries: 1 },
  { type: "notify", retries: 2 },
] as const;

/** A command whose tokens, ids and job keys are sometimes right and sometimes not: they are resolved when it is sent. */
type Move = (world: World) => Command;

const token = fc.constantFrom("current", "lease", "stale", "none", "future");
const force = fc.constantFrom(0, 1_000, 10_000);

function tokenOf(world: World, which: string): number {
  const { execution } = world;
  switch (which) {
    case "current":
      return execution?.token ?? 0;
    case "lease":
      return execution?.lease?.token ?? 0;
    case "stale":
      return Math.max(0, (execution?.lease?.token ?? 0) - 1);
    case "future":
      return (execution?.token ?? 0) + 1;
    default:
      return 0;
  }
}

const cancellationId = (world: World) => world.execution?.cancellation?.id ?? "c-none";
const jobKey = (world: World) => world.execution?.cancellation?.listenerJob?.key ?? "c-none:0";
const activation = (world: World) => world.execution?.cancellation?.listenerJob?.activation ?? 0;

let minted = 0;

const registration: fc.Arbitrary<Move> = fc
  .record({ listeners: fc.boolean(), claim: fc.boolean(), items: fc.boolean(), callback: fc.boolean() })
  .map(
    ({ listeners, claim, items, callback }): Move =>
      () => ({
        type: "register",
        spec: specWith({
          listeners: listeners ? LISTENERS : [],
          canceledOutcomeId: "outcome-canceled",
          callbackUrl: callback ? "https://example.com/ended" : null,
        }),
        queueItems: items
          ? [
              { id: "q-1", state: "pending" },
              { id: "q-2", state: "executing" },
            ]
          : [],
        claim: claim ? { workerId: "w-1", leaseDuration: 15_000 } : null,
      }),
  );

const move: fc.Arbitrary<Move> = fc.oneof(
  registration,
  fc.constantFrom(...WORKERS).map(
    (workerId): Move =>
      () => ({ type: "start", claim: { workerId, leaseDuration: 15_000 } }),
  ),
  token.map(
    (which): Move =>
      (world) => ({ type: "heartbeat", token: tokenOf(world, which) }),
  ),
  token.map(
    (which): Move =>
      (world) => ({ type: "complete", token: tokenOf(world, which), result: { ok: true }, outcomeId: null }),
  ),
  token.map(
    (which): Move =>
      (world) => ({
        type: "fail",
        token: tokenOf(world, which),
        error: { type: "E", message: "m", step: "", details: {} },
      }),
  ),
  fc.record({ strategy: fc.constantFrom(...STRATEGIES), forceAfter: force }).map(
    ({ strategy, forceAfter }): Move =>
      () => {
        minted += 1;
        return cancelWith({ cancellationId: `c-${minted}`, strategy, forceAfter });
      },
  ),
  token.map(
    (which): Move =>
      (world) => ({ type: "report_stopped", token: tokenOf(world, which), evidence: "gone" }),
  ),
  fc.constantFrom("stop" as const, "terminate" as const).map(
    (signal): Move =>
      (world) => ({
        type: "signal_delivered",
        cancellationId: cancellationId(world),
        signal,
      }),
  ),
  fc.record({ signal: fc.constantFrom("stop" as const, "terminate" as const), permanent: fc.boolean() }).map(
    ({ signal, permanent }): Move =>
      (world) => ({ type: "signal_failed", cancellationId: cancellationId(world), signal, permanent, message: "no" }),
  ),
  fc
    .constantFrom("running" as const, "completed" as const, "failed" as const, "cancelled" as const, "unknown" as const)
    .map(
      (status): Move =>
        (world) => ({
          type: "verified",
          cancellationId: cancellationId(world),
          engineStatus: { status, detail: "so" },
        }),
    ),
  fc.constant<Move>((world) => ({ type: "force_due", cancellationId: cancellationId(world) })),
  fc.constant<Move>((world) => ({ type: "children_due", cancellationId: cancellationId(world) })),
  fc.constantFrom("registered" as const, "ended" as const).map(
    (change): Move =>
      () => ({ type: "children_changed", change }),
  ),
  token.map(
    (which): Move =>
      (world) => ({ type: "lease_due", token: tokenOf(world, which) }),
  ),
  fc.constant<Move>((world) => ({
    type: "activate_listener_job",
    jobKey: jobKey(world),
    workerId: "l-1",
    lock: 5_000,
  })),
  fc.boolean().map(
    (held): Move =>
      (world) => ({
        type: "complete_listener_job",
        jobKey: jobKey(world),
        activation: activation(world) - (held ? 0 : 1),
      }),
  ),
  fc.constantFrom(null, 0, 1).map(
    (retries): Move =>
      (world) => ({
        type: "fail_listener_job",
        jobKey: jobKey(world),
        activation: activation(world),
        retries,
        message: "broken",
        backoff: 1_000,
      }),
  ),
  fc.constant<Move>((world) => ({ type: "listener_lock_due", jobKey: jobKey(world), activation: activation(world) })),
  fc.boolean().map(
    (delivered): Move =>
      () => ({ type: "callback_settled", delivered, attempts: 1, message: "HTTP 204" }),
  ),
  fc.constant<Move>((world) => ({ type: "resolve_incident", cancellationId: cancellationId(world), retries: 1 })),
);

const step = fc.record({ move, wait: fc.constantFrom(0, 1, 500, 20_000), hasLiveChildren: fc.boolean() });
/** Most histories begin with a registration: without one there is little to find out. */
export const history = fc.record({
  kind: fc.constantFrom(...KINDS),
  first: fc.record({
    move: fc.oneof({ weight: 19, arbitrary: registration }, move),
    wait: fc.constant(0),
    hasLiveChildren: fc.boolean(),
  }),
  steps: fc.array(step, { maxLength: 40 }),
});

interface Step {
  readonly move: Move;
  readonly wait: number;
  readonly hasLiveChildren: boolean;
}

export interface History {
  readonly kind: Kind;
  readonly first: Step;
  readonly steps: readonly Step[];
}

/** Sends a random history through `decide`, and calls `check` around every step. */
export function play(
  { kind, first, steps }: History,
  check: (before: Execution | null, command: Command, world: World, accepted: boolean) => void,
): World {
  const world = worldOf(kind);
  for (const { move: make, wait, hasLiveChildren } of [first, ...steps]) {
    world.now += wait;
    world.facts = { ...NO_FACTS, hasLiveChildren };
    const before = world.execution;
    const command = make(world);
    const decision = world.send(command);
    check(before, command, world, decision.reply.accepted);
  }
  return world;
}
