/** Runs a command under a claim, and says how it ended once nothing of it is left. */
import { constants } from "node:os";
import type { Claim } from "../../client/claim.ts";
import { describeExit, exitCodeOf, failureOfExit, failureToStart } from "./exit.ts";
import { handleLocalSignals } from "./local_signals.ts";
import type { Messages } from "./messages.ts";
import type { ProcessTable } from "./process_table.ts";
import { type CommandEnd, report } from "./report.ts";
import { type CommandLine, type StartedCommand, startCommand } from "./started_command.ts";
import { type Stopping, stoppingOf } from "./stopping.ts";

export interface Supervision {
  readonly claim: Claim;
  readonly command: CommandLine;
  /** A text unlike any other, by which the command's descendants are told. */
  readonly marker: string;
  /** What the command sees on top of the caller's environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly table: ProcessTable;
  readonly messages: Messages;
  /** How long to try to tell Belay how the command ended, in milliseconds. */
  readonly reportTimeout: number;
}

/** Resolves with the exit code to pass on, when the command is gone with all its descendants and Belay knows. */
export async function supervise(supervision: Supervision): Promise<number> {
  const { messages } = supervision;
  const left = new AbortController();
  let stopping: Stopping | undefined;
  // Before the command starts: a signal that came between would end this process and leave the command alone.
  const ignoreLocalSignals = handleLocalSignals({
    onStop: (signal) => (stopping === undefined ? left.abort() : stopping.stopFor(signal)),
    onPassedOn: (signal) => stopping?.passOn(signal),
    onSuspend: () => messages.notice("not suspended, so that the command can still be stopped"),
  });
  try {
    const started = await start(supervision, left.signal);
    if (typeof started === "number") return started;
    stopping = stoppingOf(started.family, messages, () => left.abort());
    return await seeThrough(started, stopping, supervision, left.signal);
  } finally {
    stopping?.end();
    ignoreLocalSignals();
  }
}

/** The command, started; or the exit code, if it could not be started. */
async function start(supervision: Supervision, left: AbortSignal): Promise<StartedCommand | number> {
  const { command, marker, environment, table, messages } = supervision;
  try {
    return await startCommand(command, marker, environment, table);
  } catch (cause) {
    const { exitCode, error } = failureToStart(command.file, cause);
    messages.error(error.message);
    await tell(supervision, { failure: error, evidence: `never started: ${error.message}` }, left);
    return exitCode;
  }
}

/** Waits for the end of the command and of all it started, and reports it. */
async function seeThrough(
  { family, exited, abandon }: StartedCommand,
  stopping: Stopping,
  supervision: Supervision,
  left: AbortSignal,
): Promise<number> {
  const { claim, messages } = supervision;
  messages.detail(`started as process group ${family.group}`);
  claim.onOrder(stopping.obey);
  const exit = await Promise.race([exited, aborted(left)]);
  if (exit !== null) {
    messages.detail(`the command ended: ${describeExit(exit)}`);
    stopping.cleanUp();
  }
  if (exit === null || !(await family.gone(left, stopping.insist))) {
    abandon();
    messages.error(`process group ${family.group} is left behind, and Belay without proof`);
    return exit === null ? 128 + constants.signals.SIGKILL : exitCodeOf(exit);
  }
  stopping.end();
  const failure = failureOfExit(exit, stopping.interruptedBy());
  const evidence = `${describeExit(exit)}, no process of group ${family.group} is left`;
  await tell(supervision, { failure, evidence }, left);
  return exitCodeOf(exit);
}

async function tell(
  { claim, messages, reportTimeout }: Supervision,
  end: CommandEnd,
  left: AbortSignal,
): Promise<void> {
  await report(claim, end, { timeout: reportTimeout, givenUp: left }, messages);
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
}
