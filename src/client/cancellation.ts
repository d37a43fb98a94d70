/** A cancellation as the work that it stops sees it. */
import type { JsonObject } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Cancellation as CancellationMessage, Strategy } from "../../gen/belay/v1/cancellation_pb.ts";

/** How the work is stopped: asked, asked and then terminated, or terminated. */
export type StrategyName = "soft" | "soft_then_force" | "hard";

/** Who asked for the cancellation. */
export interface RequestedBy {
  /** The system that asked, for example "incident-bot"; empty if it did not say. */
  readonly system: string;
  /** The person on whose behalf it asked; empty if it did not say. */
  readonly user: string;
  /** Anything else that was kept with the request. */
  readonly metadata: JsonObject;
}

/** Why the work is to stop. */
export interface Cancellation {
  /** A UUID. `belay.cancellations.getCancellation({ cancellationId })` shows its timeline. */
  readonly id: string;
  readonly strategy: StrategyName;
  /** The requester's reason, for people. */
  readonly reason: string;
  readonly requestedBy: RequestedBy | undefined;
  readonly requestTime: Date | undefined;
  /** When the work is terminated unless it has stopped by then. Undefined for `soft`, and while that time is not known. */
  readonly forceTime: Date | undefined;
}

/** Reads the contract's message. */
export function cancellationFrom(message: CancellationMessage): Cancellation {
  const { requestedBy } = message;
  return {
    id: message.id,
    strategy: strategyFrom(message.strategy),
    reason: message.reason,
    requestedBy: requestedBy && {
      system: requestedBy.system,
      user: requestedBy.user,
      metadata: requestedBy.metadata ?? {},
    },
    requestTime: message.requestTime && timestampDate(message.requestTime),
    forceTime: message.forceTime && timestampDate(message.forceTime),
  };
}

function strategyFrom(strategy: Strategy): StrategyName {
  switch (strategy) {
    case Strategy.SOFT:
      return "soft";
    case Strategy.HARD:
      return "hard";
    default:
      return "soft_then_force";
  }
}

/** The requester in words, for messages: "ann (incident-bot)"; empty if it did not say. */
export function requesterOf(cancellation: Cancellation): string {
  const { system = "", user = "" } = cancellation.requestedBy ?? {};
  if (user === "" || system === "") return user || system;
  return `${user} (${system})`;
}
