// Shows the main job on real processes: three commands run under Belay, are cancelled, and are proven gone.
//
//   npm run demo
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  type Cancellation,
  CancellationOutcome,
  EventType,
  StopProof,
  Strategy,
  TerminationStatus,
  type TimelineEvent,
} from "../gen/belay/v1/cancellation_pb.ts";
import { CancellationService, CancelProcessStatus } from "../gen/belay/v1/cancellation_service_pb.ts";
import { ExecutionState } from "../gen/belay/v1/execution_pb.ts";
import { Kind } from "../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService } from "../gen/belay/v1/execution_service_pb.ts";
import { bold, dim, green, red } from "../src/cli/paint.ts";
import { timelineFormatter } from "../src/cli/timeline.ts";
import { wordOf } from "../src/cli/words.ts";
import { type BelayProcess, startBelay } from "./demo/belay_process.ts";
import { CAST, OBEDIENT, RACER, type Role, STUBBORN } from "./demo/cast.ts";
import { groupStartedBy, membersOf } from "./demo/process_table.ts";

/** Far more than the demo needs: only a hang reaches it. In milliseconds. */
const LONGEST = 60_000;

/** By how much the racer may be ahead, in milliseconds: about twice as long as the news of its end takes. */
const LONGEST_LEAD = 30;

/** A command of the cast that runs. */
interface Actor {
  readonly role: Role;
  readonly run: BelayProcess;
  readonly group: number;
}

const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), "belay-demo-"));
const processes: BelayProcess[] = [];
const groups = new Set<number>();

process.on("exit", cleanUp);
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
const watchdog = globalThis.setTimeout(() => {
  console.error(red(`\nThe demo did not end in ${LONGEST / 1000} s.`));
  process.exit(1);
}, LONGEST);
watchdog.unref();

try {
  await demo();
} catch (error) {
  console.error(red("\nNot as promised:"), error instanceof Error ? error.message : error);
  for (const { output } of processes) console.error(dim(output()));
  process.exitCode = 1;
}
process.exit();

async function demo(): Promise<void> {
  heading("A server, on a fresh database");
  const server = belay("serve", "--port", "0", "--db", "demo.sqlite", "--log-level", "warn");
  const [, address = ""] = await server.prints(/listening on (http:\S+).*\n.*loopback.*\n/);
  console.log(`  ${dim("$ belay serve --port 0 --db demo.sqlite")}\n${indented(server.output())}`);
  const transport = createGrpcTransport({ baseUrl: address });
  const executions = createClient(ExecutionService, transport);
  const cancellations = createClient(CancellationService, transport);

  heading("Three real commands, each under `belay run`, with all processes that belong to them");
  for (const { id, script } of CAST) writeFileSync(join(folder, `${id}.sh`), script);
  const actors = await Promise.all(CAST.map((role) => enter(role, address, executions)));
  for (const actor of actors) {
    const { id, about } = actor.role;
    console.log(`  ${dim(`$ belay run --id ${id} -- sh ${id}.sh`)}\n  ${id.padEnd(10)} ${about}`);
    printGroup(actor);
    assert.ok(membersOf(actor.group).length > 0, `${id} should be running`);
  }
  const [obedient, stubborn, racer] = actors;
  assert.ok(obedient && stubborn && racer);

  heading("Cancel them: ask first, terminate after 1 s");
  const answer = await raceAgainstCancel(racer, cancellations);
  const cancels = [OBEDIENT, STUBBORN].map(({ id }) => cancelByCommand(id, address));
  for (const { command, process: cancel } of cancels) {
    const exitCode = await cancel.ended;
    console.log(`\n  ${dim(`$ ${command}`)}\n${cancel.output().trimEnd()}`);
    assert.equal(exitCode, 0, `${command} should exit with 0`);
  }
  console.log("\n  racer, finishing by itself and cancelled at the same moment; either may come first");
  const racerTimeline = await timelineOf(RACER, executions);
  const format = timelineFormatter(() => new Date());
  for (const event of racerTimeline) console.log(format(event));
  console.log(`  the answer to the cancel: ${wordOf(CancelProcessStatus, answer)}`);

  heading("What Belay says became of them");
  checkObedient(await cancellationOf(OBEDIENT, executions), await timelineOf(OBEDIENT, executions));
  checkStubborn(await cancellationOf(STUBBORN, executions), await timelineOf(STUBBORN, executions));
  await checkRacer(answer, executions);

  heading("What the operating system says: the same process groups, now");
  for (const actor of actors) {
    const exitCode = await actor.run.ended;
    printGroup(actor);
    assert.deepEqual(membersOf(actor.group), [], `nothing should be left of ${actor.role.id}`);
    console.log(dim(`${" ".repeat(13)}its \`belay run\` exited with ${exitCode}`));
  }

  server.kill("SIGTERM");
  assert.equal(await server.ended, 0, "the server should shut down in order");
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(green(`\nAll three were stopped or had finished, and nothing is left of them. ${seconds} s.`));
}

function heading(text: string): void {
  console.log(`\n${bold(text)}`);
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "  ");
}

function belay(...args: readonly string[]): BelayProcess {
  const child = startBelay(args, folder);
  processes.push(child);
  return child;
}

/** Starts a command under `belay run`, and resolves when it is ready and Belay knows that it runs. */
async function enter(role: Role, address: string, executions: Client<typeof ExecutionService>): Promise<Actor> {
  const run = belay("run", "--address", address, "--id", role.id, "--", "sh", `${role.id}.sh`);
  await run.prints(/^ready$/m);
  const group = groupStartedBy(run.pid);
  assert.ok(group !== null, `${role.id} should have a process group of its own`);
  groups.add(group);
  for await (const { event } of executions.watchExecution({ execution: { kind: Kind.PROCESS, id: role.id } })) {
    if (event?.type === EventType.STARTED) break;
  }
  return { role, run, group };
}

function printGroup({ role, group }: Actor): void {
  const members = membersOf(group);
  if (members.length === 0) console.log(`  ${role.id.padEnd(10)} ${green(`process group ${group}: no process left`)}`);
  for (const { pid, command } of members)
    console.log(dim(`${" ".repeat(13)}process group ${group}: ${pid} ${command}`));
}

function cancelByCommand(id: string, address: string): { readonly command: string; readonly process: BelayProcess } {
  const args = ["cancel", "process", id, "--strategy", "soft-then-force", "--force-after", "1", "--wait"];
  return { command: `belay ${args.join(" ")}`, process: belay(...args, "--address", address) };
}

/** Lets the racer finish, and cancels it before or after the news of its end has come to Belay: nobody knows which. */
async function raceAgainstCancel(
  racer: Actor,
  cancellations: Client<typeof CancellationService>,
): Promise<CancelProcessStatus> {
  racer.run.stdin.end("go\n");
  await setTimeout(Math.random() * LONGEST_LEAD);
  const { status } = await cancellations.cancelProcess({
    processId: RACER.id,
    strategy: Strategy.SOFT_THEN_FORCE,
    forceAfterSeconds: 1,
    reason: "the demo races it",
    requestedBy: { system: "demo" },
  });
  return status;
}

/** The whole timeline: the stream ends when nothing more can happen. */
async function timelineOf({ id }: Role, executions: Client<typeof ExecutionService>): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = [];
  for await (const { event } of executions.watchExecution({ execution: { kind: Kind.PROCESS, id } })) {
    if (event !== undefined) events.push(event);
  }
  return events;
}

async function cancellationOf({ id }: Role, executions: Client<typeof ExecutionService>): Promise<Cancellation> {
  const { process: shown } = await executions.getProcess({ processId: id });
  assert.equal(shown?.execution?.state, ExecutionState.CANCELLED, `${id} should be cancelled`);
  const { cancellation } = shown.execution;
  assert.ok(cancellation, `${id} should show its cancellation`);
  assert.equal(
    cancellation.outcome,
    CancellationOutcome.CANCELLED,
    `the cancellation of ${id} should end as cancelled`,
  );
  assert.equal(cancellation.stopProof, StopProof.CONFIRMED, `the stop of ${id} should be proven`);
  return cancellation;
}

function checkObedient({ termination }: Cancellation, timeline: readonly TimelineEvent[]): void {
  assert.equal(termination, TerminationStatus.NOT_NEEDED, "obedient should need no terminate");
  assert.equal(count(timeline, EventType.TERMINATE_DELIVERED), 0, "obedient should get no terminate");
  verdict(OBEDIENT, "cancelled, stop confirmed; asking was enough");
}

function checkStubborn({ termination }: Cancellation, timeline: readonly TimelineEvent[]): void {
  assert.equal(termination, TerminationStatus.ISSUED, "stubborn should need a terminate");
  assert.equal(count(timeline, EventType.TERMINATE_REQUESTED), 1, "the terminate should be decided exactly once");
  assert.equal(count(timeline, EventType.TERMINATE_DELIVERED), 1, "the terminate should be issued exactly once");
  verdict(STUBBORN, "cancelled, stop confirmed; terminated once, after 1 s");
}

/** Either may win the race. What counts is that everybody hears the same. */
async function checkRacer(answer: CancelProcessStatus, executions: Client<typeof ExecutionService>): Promise<void> {
  if (answer === CancelProcessStatus.CANCEL_REQUESTED) {
    await cancellationOf(RACER, executions);
    verdict(RACER, "the cancel came first: cancelled, stop confirmed");
    return;
  }
  assert.equal(answer, CancelProcessStatus.IGNORED_TERMINAL, "the answer to the racer's cancel");
  const { process: shown } = await executions.getProcess({ processId: RACER.id });
  assert.equal(shown?.execution?.state, ExecutionState.COMPLETED, "racer should have completed");
  assert.equal(shown.execution.cancellation, undefined, "racer should show no cancellation");
  verdict(RACER, "it finished first: completed, and the cancel was told so");
}

function count(timeline: readonly TimelineEvent[], type: EventType): number {
  return timeline.filter((event) => event.type === type).length;
}

function verdict({ id }: Role, text: string): void {
  console.log(`  ${id.padEnd(10)} ${green(text)}`);
}

/** However the demo ends, it leaves neither processes nor files. */
function cleanUp(): void {
  for (const { pid, kill } of processes) {
    const group = groupStartedBy(pid);
    if (group !== null) groups.add(group);
    kill("SIGKILL");
  }
  for (const group of groups) {
    if (membersOf(group).length > 0) process.kill(-group, "SIGKILL");
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
