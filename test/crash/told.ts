/** What the clients and workers of a crash test were told, for the checker to compare with what is. */
import type { Cancellation } from "../../gen/belay/v1/cancellation_pb.ts";
import type { KindName } from "../../src/client/index.ts";
import type { ToldEnd } from "./worker_program.ts";

/** What a cancel was answered. */
export type Said =
  | {
      readonly type: "answered";
      /** The whole answer, in a form that can be compared. */
      readonly text: string;
      readonly cancellation: Cancellation | undefined;
    }
  | { readonly type: "refused"; readonly reason: string };

interface ToldCancel {
  readonly commandId: string;
  /** Sends it, again and again until it is answered. */
  readonly send: () => Promise<Said>;
  /** Empty while nobody was answered. More than one: it was repeated. */
  readonly said: Said[];
}

/** One execution. */
export interface Told {
  readonly kind: KindName;
  readonly id: string;
  /** The worker that was given it; null: none. */
  readonly workerId: string | null;
  /** True once something was asked for that stops it without more ado: soft words don't stop stubborn work. */
  isBoundToEnd: boolean;
  readonly cancels: ToldCancel[];
  /** The process that runs the work, once it does. */
  pid: number | null;
  /** How often the work was terminated. */
  terminations: number;
  /** How the work ended, and in which words; null while nobody knows. */
  end: { readonly told: ToldEnd; readonly words: string } | null;
  /** True if its worker was killed, so that nobody will tell. */
  hasDied: boolean;
  /** Resolves when the work runs, or has ended or died before it could. */
  readonly started: PromiseWithResolvers<void>;
  /** Resolves when the work has ended, or died. */
  readonly settled: PromiseWithResolvers<void>;
}

export function newTold(kind: KindName, id: string, workerId: string | null): Told {
  return {
    kind,
    id,
    workerId,
    isBoundToEnd: false,
    cancels: [],
    pid: null,
    terminations: 0,
    end: null,
    hasDied: false,
    started: Promise.withResolvers(),
    settled: Promise.withResolvers(),
  };
}
