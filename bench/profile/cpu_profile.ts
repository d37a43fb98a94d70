/** What V8 writes with --cpu-prof: samples of the stack, one file a thread. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** In microseconds of the machine's monotonic clock. */
  readonly startTime: number;
  /** The ids of the nodes that were running, one sample after another. */
  readonly samples: readonly number[];
  /** How long after the sample before (the first: after the start) each was taken, in microseconds. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** Counted from 0; -1 where there is no source. */
  readonly lineNumber: number;
}

export interface ThreadProfile {
  /** 0 is the main thread. */
  readonly thread: number;
  readonly profile: CpuProfile;
}

/** The profiles in a folder, the main thread's first. */
export function readProfiles(folder: string): ThreadProfile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  const profiles = names.map((name) => {
    // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile
    const thread = Number(name.split(".").at(-3));
    const profile: CpuProfile = JSON.parse(readFileSync(join(folder, name), "utf8"));
    return { thread, profile };
  });
  return profiles.sort((a, b) => a.thread - b.thread);
}
