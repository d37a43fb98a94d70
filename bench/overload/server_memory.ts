/** The memory of the server, from outside. */
import { residentSet } from "../resident_set.ts";

export interface Memory {
  /** In MiB: at the beginning, the most, and at the end. */
  readonly first: number;
  readonly most: number;
  readonly last: number;
}

const SAMPLE_EVERY = 250;

/** Samples the resident set of the process until the returned function is called. NaN where the system has no /proc. */
export function sampleMemory(pid: number): () => Memory {
  const first = residentSet(pid);
  let most = first;
  const timer = setInterval(() => {
    most = Math.max(most, residentSet(pid));
  }, SAMPLE_EVERY);
  return () => {
    clearInterval(timer);
    const last = residentSet(pid);
    return { first, most: Math.max(most, last), last };
  };
}
