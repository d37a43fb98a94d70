/** What a command comes to: the execution after it, what happened, what is owed to the outside, and the answer. */
import type { Effect } from "./effect.ts";
import type { Event, EventAttributes, EventType } from "./event.ts";
import type { Execution } from "./execution.ts";
import type { Heard } from "./heard.ts";
import { type Refusal, type RefusalReason, refusal } from "./refusal.ts";
import type { Millis } from "./time.ts";

/**
 * What an accepted command did. `unchanged`: nothing, because it was done before or does not matter any more. The last four answer a
 * cancel: it joined the one under way, escalated it, or came after the end.
 */
export type Disposition = "applied" | "unchanged" | "joined" | "escalated" | "already_cancelled" | "already_finished";

export type Reply =
  | { readonly accepted: true; readonly disposition: Disposition }
  | { readonly accepted: false; readonly refusal: Refusal };

export interface Decision {
  /** Null only where there was none and none was registered. */
  readonly execution: Execution | null;
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
  readonly reply: Reply;
}

/** What the core must know beside the execution as it was stored. Loaded in the transaction that decides, but for what was heard. */
export interface Facts {
  /** True if at least one child of the execution is live (see `isLive`). */
  readonly hasLiveChildren: boolean;
  /** The parent that a register command names; null if it names none, or one that is not registered. */
  readonly parent: Execution | null;
  /** A heartbeat of the execution that may not be stored yet. Left out: there is none. */
  readonly heard?: Heard | undefined;
}

/** A decision in the making: steps put the next execution, events and effects into it. */
export interface Draft {
  readonly now: Millis;
  readonly facts: Facts;
  execution: Execution;
  readonly events: Event[];
  readonly effects: Effect[];
}

export function draftOf(execution: Execution, now: Millis, facts: Facts): Draft {
  return { now, facts, execution, events: [], effects: [] };
}

/** Adds an event to the timeline, as part of the current cancellation unless told otherwise. */
export function record(draft: Draft, type: EventType, attributes: EventAttributes = {}, ofCancellation = true): void {
  const cancellationId = ofCancellation ? (draft.execution.cancellation?.id ?? null) : null;
  draft.events.push({ type, at: draft.now, cancellationId, attributes });
}

export function accept(draft: Draft, disposition: Disposition = "applied"): Decision {
  const { execution, events, effects } = draft;
  return { execution, events, effects, reply: { accepted: true, disposition } };
}

/** The command changes nothing, and that is all right. */
export function unchanged(execution: Execution | null): Decision {
  return { execution, events: [], effects: [], reply: { accepted: true, disposition: "unchanged" } };
}

export function refuse(
  execution: Execution | null,
  reason: RefusalReason,
  message: string,
  metadata: Record<string, string> = {},
): Decision {
  return {
    execution,
    events: [],
    effects: [],
    reply: { accepted: false, refusal: refusal(reason, message, metadata) },
  };
}
