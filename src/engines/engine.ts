/** Engines: what runs the work and can stop it. One file an engine, all behind these three verbs. */
import type { EngineStatus } from "../domain/command.ts";
import type { Execution } from "../domain/execution.ts";

/**
 * What became of a signal. `delivered`: the engine took it; what it did with it is another question. `unreachable`: not now, try
 * again. `refused`: never. `message` is the engine's own words.
 */
export type Delivery =
  | { readonly type: "delivered" }
  | { readonly type: "unreachable"; readonly message: string }
  | { readonly type: "refused"; readonly message: string };

/** Signals may come more than once for one cancellation; obeying twice must do no harm. */
export interface Engine {
  readonly name: string;
  /** What the engine says the execution is doing now. */
  describe(execution: Execution, signal: AbortSignal): Promise<EngineStatus>;
  /** Asks the work to stop by itself. */
  requestStop(execution: Execution, signal: AbortSignal): Promise<Delivery>;
  /** Stops the work at once. */
  terminate(execution: Execution, signal: AbortSignal): Promise<Delivery>;
}
