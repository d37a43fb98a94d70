/** The process table, asked of ps(1): for macOS and the BSDs. */
import { execFileSync } from "node:child_process";
import type { ProcessEntry, ProcessTable } from "./process_table.ts";

const COLUMNS = ["pid", "ppid", "pgid", "tpgid", "stat", "lstart"];

export function psProcessTable(): ProcessTable {
  return {
    read() {
      // An empty title a column leaves out the line of titles. The times are compared, so their language must not change.
      const args = ["-A", ...COLUMNS.flatMap((column) => ["-o", `${column}=`])];
      const output = execFileSync("ps", args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
      return output
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map(parsePsLine);
    },
    environmentOf() {
      return "";
    },
  };
}

/** One line of ps: five words, then the start time, which has spaces in it. */
export function parsePsLine(line: string): ProcessEntry {
  const [pid, parent, group, foregroundGroup, state, ...startTime] = line.trim().split(/\s+/);
  if (state === undefined) throw new Error(`no line of ps: ${line}`);
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: null,
    foregroundGroup: Number(foregroundGroup),
    isZombie: state.startsWith("Z"),
    startTime: startTime.join(" "),
  };
}
