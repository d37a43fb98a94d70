/** The operating system's table of processes. */

/** One process, as the table showed it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** The id of its process group. */
  readonly group: number;
  /** The id of its session; null where the system does not tell. */
  readonly session: number | null;
  /** The process group in the foreground of its terminal; not positive if it has no terminal. */
  readonly foregroundGroup: number;
  /** True if it has ended, and only waits to be collected by its parent. */
  readonly isZombie: boolean;
  /** When it started, in the system's own terms: with the pid it names a process for good, as pids are used again. */
  readonly startTime: string;
}

export interface ProcessTable {
  /** All processes that the caller may see. */
  read(): ProcessEntry[];
  /** The environment that a process was started with, as one text; empty if the system does not tell. */
  environmentOf(pid: number): string;
}
