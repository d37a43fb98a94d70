/** The operating system's process table: what really runs, whatever Belay claims. So none of it is Belay's own code. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** One letter: R runs, S sleeps, Z is dead and waits to be collected, … */
  readonly state: string;
  readonly command: string;
}

/** The members of a process group that are not dead. */
export function membersOf(group: number): ProcessEntry[] {
  return processTable().filter((entry) => entry.group === group && !entry.state.startsWith("Z"));
}

/** The process group that `parent` started as its leader's parent; null if it has started none. */
export function groupStartedBy(parent: number): number | null {
  return processTable().find((entry) => entry.parent === parent && entry.group === entry.pid)?.group ?? null;
}

function processTable(): ProcessEntry[] {
  // Small Linux systems come without `ps`; other systems come without /proc.
  return existsSync("/proc/self/stat") ? readProc() : readPs();
}

function readProc(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = readIfThere(`/proc/${pid}/stat`);
      const command = readIfThere(`/proc/${pid}/cmdline`);
      if (stat === null || command === null) return [];
      // The name in parentheses may hold anything, so the fields are counted from its end.
      const [state = "", parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [
        {
          pid: Number(pid),
          parent: Number(parent),
          group: Number(group),
          state,
          command: command.replaceAll("\0", " ").trim(),
        },
      ];
    });
}

/** Null if the process has ended since the table was listed. */
function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return null;
    throw error;
  }
}

function readPs(): ProcessEntry[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat=,args="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [, pid, parent, group, state = "", command = ""] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), state, command }];
  });
}
