/** How the five kinds differ. What is not here is the same for all. */
import type { Strategy } from "./cancellation.ts";
import type { Kind } from "./execution.ts";
import type { Millis } from "./time.ts";

export interface KindRules {
  /** The kind in words, for messages. */
  readonly noun: string;
  readonly defaultStrategy: Strategy;
  /**
   * When a cancel answers: as soon as it is `durable`, once the cancellation has `ended`, or when it has ended or a short wait has
   * passed (`ended_or_short_wait`).
   */
  readonly answers: "durable" | "ended" | "ended_or_short_wait";
  /** True if a child can't be cancelled by itself, only with its root. */
  readonly onlyRoots: boolean;
}

export const KIND_RULES: Readonly<Record<Kind, KindRules>> = {
  process_instance: {
    noun: "process instance",
    defaultStrategy: "soft_then_force",
    answers: "ended",
    onlyRoots: true,
  },
  process: { noun: "process", defaultStrategy: "soft_then_force", answers: "durable", onlyRoots: false },
  workflow_instance: {
    noun: "workflow instance",
    defaultStrategy: "soft_then_force",
    answers: "durable",
    onlyRoots: false,
  },
  assessment: { noun: "assessment", defaultStrategy: "soft", answers: "durable", onlyRoots: false },
  workflow_run: {
    noun: "workflow run",
    defaultStrategy: "soft_then_force",
    answers: "ended_or_short_wait",
    onlyRoots: false,
  },
};

/** The span between asking and terminating where the caller names none: PhoneFarm's documented default. */
export const DEFAULT_FORCE_AFTER: Millis = 10_000;

/** How long the children of a `soft` or `hard` cancellation have to end before their parent's turn comes. */
export const CHILDREN_GRACE: Millis = 10_000;

/**
 * How long after its last step a cancellation counts as overdue, and how often the engine is asked about it from then on: long enough
 * for a worker to reconnect after a restart of the server, short enough to be seen by whoever pressed the button.
 */
export const OVERDUE_AFTER: Millis = 30_000;
