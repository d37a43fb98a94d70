/** All processes that a command has started, directly or not: what must be gone before its stop is proven. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessEntry, ProcessTable } from "./process_table.ts";

/** Milliseconds between two looks at the table: short at first, as most commands stop at once. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 250;
/** A look may take this part of the time at most, however long the table is. */
const SHARE_OF_TIME = 1 / 5;

/** What tells the members of a family from all other processes. */
export interface FamilyMarks {
  /** The process that was started first, in a session and process group of its own, which bear its pid. */
  readonly leader: ProcessEntry;
  /** A text that stands in the environment of the leader, inherited by its descendants, and of no other process. */
  readonly marker: string;
}

export interface ProcessFamily {
  /** The id of the leader's process group. */
  readonly group: number;
  /** The members that live. Empty: the work has stopped. */
  members(): ProcessEntry[];
  /** Sends a signal to all members. Returns the pids that could not be signalled, for want of permission. */
  signal(name: NodeJS.Signals): number[];
  /** Sends a signal to the leader alone, if it lives. */
  signalLeader(name: NodeJS.Signals): void;
  /**
   * Resolves with true when no member is left, or with false when `signal` aborts.
   *
   * @param onLook called at each look that found members
   */
  gone(signal: AbortSignal, onLook: () => void): Promise<boolean>;
}

export function processFamily(marks: FamilyMarks, table: ProcessTable): ProcessFamily {
  const group = marks.leader.pid;
  const members = (): ProcessEntry[] => membersOf(marks, table);
  return {
    group,
    members,
    signal: (name) => signalAll(members(), group, name),
    signalLeader(name) {
      const { pid, startTime } = marks.leader;
      if (members().some((entry) => entry.pid === pid && entry.startTime === startTime)) send(pid, name);
    },
    async gone(signal, onLook) {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
        const start = performance.now();
        if (members().length === 0) return true;
        if (signal.aborted) return false;
        onLook();
        const cost = performance.now() - start;
        await sleep(Math.max(pause, cost / SHARE_OF_TIME));
      }
    },
  };
}

/**
 * The living processes of the leader's group or session, those that bear the marker, and all their descendants. The session finds those
 * who left the group (a shell with job control), the marker those who left the session (a daemon).
 */
function membersOf({ leader, marker }: FamilyMarks, table: ProcessTable): ProcessEntry[] {
  const living = table.read().filter((entry) => !entry.isZombie && entry.pid !== process.pid);
  // A group's number is not given away while it has members. If another process bears it, the group is empty, and this one a stranger.
  const isReused = living.some(({ pid, startTime }) => pid === leader.pid && startTime !== leader.startTime);
  const inGroup = (entry: ProcessEntry): boolean =>
    !isReused && (entry.group === leader.pid || entry.session === leader.pid);
  const isMarked = (entry: ProcessEntry): boolean => table.environmentOf(entry.pid).includes(marker);
  const found = new Set(living.filter((entry) => inGroup(entry) || isMarked(entry)));
  const pids = new Set(Array.from(found, ({ pid }) => pid));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const entry of living) {
      if (!pids.has(entry.parent)) continue;
      found.add(entry);
      pids.add(entry.pid);
    }
  }
  return [...found];
}

function signalAll(members: readonly ProcessEntry[], group: number, name: NodeJS.Signals): number[] {
  const refused: number[] = [];
  // One call for the whole group: a member can't fork its way past it.
  if (members.some((entry) => entry.group === group) && !send(-group, name)) refused.push(group);
  for (const entry of members) {
    if (entry.group !== group && !send(entry.pid, name)) refused.push(entry.pid);
  }
  return refused;
}

/** Returns false if it is not permitted. */
function send(target: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(target, name);
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    // Gone since it was seen: just as well.
    if (error.code === "ESRCH") return true;
    if (error.code === "EPERM") return false;
    throw error;
  }
}
