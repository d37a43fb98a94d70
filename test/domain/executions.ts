/** A small world for tests of the core: one execution, a clock that the test drives, and what `decide` left behind. */
import type { Cancel, Command } from "../../src/domain/command.ts";
import { decide } from "../../src/domain/decide.ts";
import type { Decision, Facts } from "../../src/domain/decision.ts";
import type { Effect } from "../../src/domain/effect.ts";
import type { Event } from "../../src/domain/event.ts";
import type { Execution, ExecutionKey, ExecutionSpec, Kind } from "../../src/domain/execution.ts";

export const NO_FACTS: Facts = { hasLiveChildren: false, parent: null };

function keyOfKind(kind: Kind): ExecutionKey {
  return { tenant: "default", kind, id: kind === "process_instance" ? "2251799813685249" : "e-1" };
}

export function specWith(change: Partial<ExecutionSpec> = {}): ExecutionSpec {
  return {
    engine: "worker",
    parent: null,
    root: null,
    labels: {},
    listeners: [],
    detail: {},
    workflowId: null,
    canceledOutcomeId: null,
    callbackUrl: null,
    ...change,
  };
}

export function cancelWith(change: Partial<Cancel> = {}): Cancel {
  return {
    type: "cancel",
    cancellationId: "c-1",
    strategy: "soft_then_force",
    forceAfter: 10_000,
    reason: "because",
    requestedBy: null,
    parentCancellationId: null,
    operationReference: null,
    ...change,
  };
}

export interface World {
  readonly key: ExecutionKey;
  execution: Execution | null;
  now: number;
  facts: Facts;
  readonly events: Event[];
  readonly effects: Effect[];
  /** Decides a command on the execution as it stands. */
  send(command: Command): Decision;
}

export function worldOf(kind: Kind): World {
  const key = keyOfKind(kind);
  const world: World = {
    key,
    execution: null,
    now: 1_000_000,
    facts: NO_FACTS,
    events: [],
    effects: [],
    send: (command) => {
      const decision = decide(key, world.execution, command, world.now, world.facts);
      world.execution = decision.execution;
      world.events.push(...decision.events);
      world.effects.push(...decision.effects);
      return decision;
    },
  };
  return world;
}

/** A world whose execution runs under worker "w-1" with token 1 and a lease of 15 seconds. */
export function runningWorld(kind: Kind, spec: Partial<ExecutionSpec> = {}): World {
  const world = worldOf(kind);
  world.send({
    type: "register",
    spec: specWith(spec),
    queueItems: [],
    claim: { workerId: "w-1", leaseDuration: 15_000 },
  });
  return world;
}

/** The types of the events since the last call with the same world. */
export function eventTypes(world: World): string[] {
  return world.events.splice(0).map((event) => event.type);
}

/** The types of the effects since the last call with the same world. */
export function effectTypes(world: World): string[] {
  return world.effects.splice(0).map((effect) => effect.type);
}

export function reasonOf(decision: Decision): string {
  return decision.reply.accepted ? decision.reply.disposition : decision.reply.refusal.reason;
}
