/** Where a run took place: figures of different machines don't compare. */
import { cpus, loadavg, type as osType, release } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly node: string;
  /** The load average of the last minute, before the run: what else was going on. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    os: `${osType()} ${release()}`,
    node: process.version,
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}
