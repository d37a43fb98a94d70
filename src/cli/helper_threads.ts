/** How many threads help V8 to collect garbage and to compile. */
import { availableParallelism } from "node:os";
import { isMainThread } from "node:worker_threads";

/** Of Node, which takes it only when it starts. */
const OPTION = "--v8-pool-size";

/** What Node takes by itself, however few processors there are. */
const USUAL = 4;

/** The first Node in which a process that becomes another one is no experiment. */
const SINCE = 26;

/**
 * On a machine with few processors the process becomes one with fewer helper threads, of the same id, with the same arguments: half as many
 * as there are processors. With four on two, calls wait while all of them work: with one, a collection of the whole heap holds up less than
 * half as many. Does nothing where the option is given, or where it can't be done; nothing of the program should be loaded yet.
 */
export function limitHelperThreads(): void {
  const wanted = halfOfProcessors();
  if (wanted >= USUAL || isChosen() || !canRestart()) return;
  const args = [process.execPath, `${OPTION}=${wanted}`, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args, process.env);
}

/** At least one. */
export function halfOfProcessors(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}

function isChosen(): boolean {
  const given = `${process.execArgv.join(" ")} ${process.env["NODE_OPTIONS"] ?? ""}`;
  // Node takes its options with underscores too.
  return given.replaceAll("_", "-").includes(OPTION);
}

/** The channel to a parent that is a Node process would be lost. */
function canRestart(): boolean {
  const isNew = Number.parseInt(process.versions.node, 10) >= SINCE;
  return isNew && process.platform !== "win32" && isMainThread && process.channel === undefined;
}
