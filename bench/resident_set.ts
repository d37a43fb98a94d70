/** How much memory a process has that is in RAM. */
import { readFileSync } from "node:fs";

/** In MiB. NaN where the system has no /proc. */
export function residentSet(pid: number): number {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib) / 1024;
  } catch {
    return Number.NaN;
  }
}
