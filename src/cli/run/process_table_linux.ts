/** The process table, read from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessEntry, ProcessTable } from "./process_table.ts";

/** @param root where proc is mounted */
export function linuxProcessTable(root: string): ProcessTable {
  return {
    read() {
      return readdirSync(root)
        .filter((name) => /^\d+$/.test(name))
        .map((name) => readIfThere(join(root, name, "stat")))
        .filter((line) => line !== "")
        .map(parseStat);
    },
    environmentOf(pid) {
      return readIfThere(join(root, String(pid), "environ"));
    },
  };
}

/** One line of /proc/PID/stat, see proc_pid_stat(5). */
export function parseStat(line: string): ProcessEntry {
  // The second field is the program's name in parentheses, and may itself contain spaces and parentheses.
  const nameEnd = line.lastIndexOf(")");
  const [state, parent, group, session, , foregroundGroup, ...rest] = line.slice(nameEnd + 2).split(" ");
  // Field 22; `rest` begins with field 9.
  const startTime = rest[22 - 9];
  if (state === undefined || startTime === undefined) throw new Error(`no line of /proc/PID/stat: ${line}`);
  return {
    pid: Number.parseInt(line, 10),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    foregroundGroup: Number(foregroundGroup),
    isZombie: state === "Z" || state === "X" || state === "x",
    startTime,
  };
}

/** Processes end while they are being read (ENOENT, ESRCH), and those of others have secrets (EACCES, EPERM). */
const NOT_THERE: ReadonlySet<string | undefined> = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM"]);

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && NOT_THERE.has(String(error.code))) return "";
    throw error;
  }
}
