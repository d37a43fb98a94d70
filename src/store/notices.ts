/** Notices: what replicas of one store tell each other, so that nobody has to wait for the next look. They may get lost. */
import type { ExecutionKey } from "../domain/execution.ts";

/** An execution has new events. */
export interface Change {
  readonly key: ExecutionKey;
  /** The sequence of the first of them. */
  readonly from: number;
}

export type Notice =
  | { readonly type: "changes"; readonly changes: readonly Change[] }
  /** The stop order of an execution is to be taken to its worker, by whoever the worker is attached to. */
  | {
      readonly type: "order";
      readonly workerId: string;
      readonly key: ExecutionKey;
      /** The effect that owes it. */
      readonly effectId: number;
    }
  /** A key was made or revoked. */
  | { readonly type: "keys" }
  /** Notices may have been lost: whoever waits for one has to look. Nobody sends it. */
  | { readonly type: "missed" };

/** What can be sent. Changes are told by the store itself, with their commit. */
export type SentNotice = Extract<Notice, { readonly type: "order" | "keys" }>;

export interface Notices {
  /** Tells the other replicas. */
  send(notice: SentNotice): Promise<void>;
  /** Calls `listener` with what others tell, until the returned function is called. */
  listen(listener: (notice: Notice) => void): () => void;
}
