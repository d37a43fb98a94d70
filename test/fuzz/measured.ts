/** Loaded into the server of a fuzz run before its own code: tells what the process takes of the machine, whenever it is asked. */
import { readdirSync } from "node:fs";

/** What the process takes. */
export interface Measure {
  /** After a garbage collection, in bytes. */
  readonly heap: number;
  /** Open files and sockets. */
  readonly files: number;
}

// The run was ended from outside.
process.on("disconnect", () => process.exit());

process.on("message", () => {
  // Twice: what is finalized by the first is free after the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const measure: Measure = { heap: process.memoryUsage().heapUsed, files: readdirSync("/proc/self/fd").length };
  process.send?.(measure);
});
