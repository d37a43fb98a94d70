import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import {
  type Cancellation,
  CancellationOutcome,
  EventType,
  StopProof,
  Strategy,
  type TimelineEvent,
} from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, ExecutionRefSchema, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { type Started, startBelay } from "../cli/belay_command.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { cancel, newId, startWork, untilEnded, type Work } from "../e2e/work.ts";

let server: TestServer;
let clients: Clients;
beforeEach(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterEach(() => server.close());

interface RunningCommand extends Started {
  readonly ref: ExecutionRef;
  /**
   * Resolves when `belay run` has ended and nobody holds its output any more: neither the shell nor its child, which inherited it, is
   * left.
   */
  readonly ended: Started["ended"];
}

/** A shell and its child under `belay run`. Neither obeys SIGTERM. */
async function runStubborn(): Promise<RunningCommand> {
  const ref = create(ExecutionRefSchema, { kind: Kind.PROCESS, id: newId(Kind.PROCESS) });
  const script = "trap '' TERM; sleep 600 & echo running; wait";
  const started = startBelay(["run", "--id", ref.id, "--address", server.url, "--", "sh", "-c", script]);
  onTestFinished(async () => {
    started.process.kill("SIGTERM");
    await started.ended;
  });
  await started.prints(/^running$/m);
  return { ...started, ref };
}

function eventsOf({ timeline }: Cancellation, type: EventType): TimelineEvent[] {
  return timeline.filter((event) => event.type === type);
}

/** Resolves when the timeline of the cancellation has an event of this type. */
async function untilHappened(cancellationId: string, type: EventType): Promise<void> {
  for await (const { event } of clients.cancellations.watchCancellation({ cancellationId })) {
    if (event?.type === type) return;
  }
}

/** Milliseconds since the epoch. */
function timeOf(events: readonly TimelineEvent[]): number {
  return timestampMs(events[0]!.time!);
}

describe("a server killed between the stop and its escalation", () => {
  // The escalation of the first falls due about when the server is back, that of the second well after it.
  it.each([1, 3])("escalates in time, and once, when it is back (after %i s)", async (forceAfterSeconds) => {
    const command = await runStubborn();
    const asked = await cancel(clients, command.ref, Strategy.SOFT_THEN_FORCE, forceAfterSeconds);
    await command.prints(/SIGTERM to process group/);

    await server.kill();
    await server.restart();
    const ended = await untilEnded(clients, asked.id);
    const exit = await command.ended;

    expect(ended).toMatchObject({
      outcome: CancellationOutcome.CANCELLED,
      stopProof: StopProof.CONFIRMED,
      forceTime: asked.forceTime,
    });
    const stops = eventsOf(ended, EventType.STOP_REQUESTED);
    const terminates = eventsOf(ended, EventType.TERMINATE_REQUESTED);
    expect([stops.length, terminates.length]).toEqual([1, 1]);
    expect(eventsOf(ended, EventType.TERMINATE_DELIVERED)).toHaveLength(1);
    expect(timeOf(terminates)).toBeGreaterThanOrEqual(timeOf(stops) + forceAfterSeconds * 1000);
    expect(timeOf(terminates)).toBeGreaterThanOrEqual(timestampMs(asked.forceTime!));
    expect(command.output().match(/SIGKILL to process group/g)).toHaveLength(1);
    expect(exit).toBe(137);
  });

  it("does not escalate what has stopped before its time", async () => {
    const [obedient, stubborn] = [await startWork(clients, Kind.PROCESS), await startWork(clients, Kind.PROCESS)];
    const { id } = await cancel(clients, obedient.ref, Strategy.SOFT_THEN_FORCE, 1);
    await clients.workers.reportStopped({ execution: obedient.ref, token: obedient.token });
    const later = await cancel(clients, stubborn.ref, Strategy.SOFT_THEN_FORCE, 1);

    await server.kill();
    await server.restart();
    await untilHappened(later.id, EventType.TERMINATE_REQUESTED);

    const { timeline } = await untilEnded(clients, id);
    expect(timeline.map(({ type }) => type)).not.toContain(EventType.TERMINATE_REQUESTED);
  });
});

describe("a server killed as soon as it has answered", () => {
  const WORKER = "worker-1";
  const CANCELS = 60;

  async function signalsFor(works: readonly Work[]): Promise<Map<string, StopSignal>> {
    const { leases } = await clients.workers.heartbeat({
      workerId: WORKER,
      leases: works.map(({ ref, token }) => ({ execution: ref, token })),
    });
    return new Map(leases.map(({ execution, signal }) => [execution?.id ?? "", signal]));
  }

  it("has lost none of the cancels that it answered, and made no half of any other", async () => {
    const works: Work[] = [];
    for (let count = 0; count < CANCELS; count += 1) {
      works.push(await startWork(clients, Kind.PROCESS, { workerId: WORKER }));
    }

    const answered = new Set<string>();
    let killed: Promise<void> | undefined;
    await Promise.allSettled(
      works.map(async ({ ref }) => {
        await cancel(clients, ref, Strategy.SOFT);
        answered.add(ref.id);
        killed ??= server.kill();
      }),
    );
    await killed;
    await server.restart();

    const signals = await signalsFor(works);
    expect(answered.size).toBeGreaterThan(0);
    for (const { ref } of works) {
      const { process } = await clients.executions.getProcess({ processId: ref.id });
      const cancellationId = process?.execution?.cancellation?.id;
      if (cancellationId === undefined) {
        expect(answered).not.toContain(ref.id);
        expect(signals.get(ref.id)).toBe(StopSignal.UNSPECIFIED);
      } else {
        const { cancellation } = await clients.cancellations.getCancellation({ cancellationId });
        expect(eventsOf(cancellation!, EventType.CANCELLATION_REQUESTED)).toHaveLength(1);
        expect(eventsOf(cancellation!, EventType.STOP_REQUESTED)).toHaveLength(1);
        expect(signals.get(ref.id)).toBe(StopSignal.STOP);
      }
    }
  });
});

describe("a server killed while a listener works", () => {
  it("takes the job's completion when it is back, and ends the cancellation", async () => {
    const { executions, workers } = clients;
    const { execution } = await executions.registerExecution({
      kind: Kind.PROCESS,
      listeners: [{ type: "release-lock" }],
    });
    const { id } = await cancel(clients, execution!.ref!, Strategy.SOFT);
    const { jobs } = await workers.activateListenerJobs({ workerId: "listener", types: ["release-lock"] });
    await server.kill();
    await server.restart();

    await workers.completeListenerJob({ jobKey: jobs[0]!.key, activation: jobs[0]!.activation });
    const ended = await untilEnded(clients, id);

    expect(ended.outcome).toBe(CancellationOutcome.CANCELLED);
    expect(eventsOf(ended, EventType.LISTENER_JOB_COMPLETED)).toHaveLength(1);
  });
});
