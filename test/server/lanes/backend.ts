/** A service for both servers of a pair. */
import type { PortOptions } from "../../../src/server/port.ts";

/** What stands behind a port, and tells what became of the calls. */
export interface Backend {
  readonly options: Pick<PortOptions, "routes" | "services" | "interceptors"> & Partial<PortOptions>;
  /** What handlers noticed, oldest first. */
  readonly events: readonly string[];
  /** Resolves when the next call waits in its handler. */
  reached(): Promise<void>;
  /** The cancellation of an execution, by the execution's id. */
  cancellationOf(executionId: string): string;
  close(): Promise<void>;
}
