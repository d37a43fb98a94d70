/** Whether a process runs. */
import { readFileSync } from "node:fs";

/** False also for one that has ended and that nobody has asked about yet. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== "linux" || !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name of the program, in parentheses.
    return line.charAt(line.lastIndexOf(")") + 2) === "Z";
  } catch {
    // It ended in between.
    return true;
  }
}
