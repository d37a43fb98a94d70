/** `belay run` on a real server, and what the tests look at. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, onTestFailed } from "vitest";
import { type EventType, Strategy } from "../../../gen/belay/v1/cancellation_pb.ts";
import type { Process } from "../../../gen/belay/v1/execution_pb.ts";
import { Kind } from "../../../gen/belay/v1/execution_ref_pb.ts";
import { systemProcessTable } from "../../../src/cli/run/system_process_table.ts";
import { type Belay, createBelay } from "../../../src/client/index.ts";
import { startServer, type TestServer } from "../../e2e/server.ts";
import { type Started, startBelay } from "../belay_command.ts";

export interface RunFixture {
  server: TestServer;
  belay: Belay;
  /** Starts `belay run` with a new id. */
  run(options: readonly string[], command: readonly string[], env?: Readonly<Record<string, string>>): Run;
  process(id: string): Promise<Process>;
  /** Asks for a cancellation and waits until it has ended. Returns the messages of its timeline. */
  cancel(id: string, options?: { soft?: boolean; hard?: boolean; forceAfterSeconds?: number }): Promise<string[]>;
  /** Resolves when an event of this type is in the timeline of the process. */
  happened(id: string, type: EventType): Promise<void>;
}

export interface Run extends Started {
  readonly id: string;
}

/** One server for all tests of a file. Set up once they run. */
export function runFixture(): RunFixture {
  const fixture = {} as RunFixture;
  beforeAll(async () => {
    const server = await startServer();
    const belay = createBelay({ address: server.url });
    Object.assign(fixture, actions(server, belay));
  });
  afterAll(async () => {
    fixture.belay.close();
    await fixture.server.close();
  });
  return fixture;
}

function actions(server: TestServer, belay: Belay): RunFixture {
  return {
    server,
    belay,
    run(options, command, env = {}) {
      const id = `p-${randomUUID()}`;
      const started = startBelay(["run", "--id", id, ...options, "--", ...command], {
        BELAY_ADDRESS: server.url,
        ...env,
      });
      onTestFailed(() => console.error(`what run ${id} printed:\n${started.output()}`));
      return { ...started, id };
    },
    async process(id) {
      const { process } = await belay.executions.getProcess({ processId: id });
      return process!;
    },
    async cancel(id, { soft = false, hard = false, forceAfterSeconds } = {}) {
      const { cancellation } = await belay.cancellations.cancelProcess({
        processId: id,
        reason: "runaway",
        requestedBy: { system: "incident-bot" },
        strategy: soft ? Strategy.SOFT : hard ? Strategy.HARD : Strategy.SOFT_THEN_FORCE,
        ...(forceAfterSeconds !== undefined && { forceAfterSeconds }),
      });
      return await timelineOf(belay, cancellation!.id);
    },
    async happened(id, type) {
      for await (const { event } of belay.executions.watchExecution({ execution: { kind: Kind.PROCESS, id } })) {
        if (event?.type === type) return;
      }
      throw new Error(`process ${id} ended without event ${type}`);
    },
  };
}

/** The messages of a cancellation's timeline, once it has ended. */
async function timelineOf({ cancellations }: Belay, cancellationId: string): Promise<string[]> {
  const messages: string[] = [];
  for await (const { event } of cancellations.watchCancellation({ cancellationId })) messages.push(event!.message);
  return messages;
}

/** True while a process with this pid lives. */
export function isAlive(pid: number): boolean {
  return systemProcessTable()
    .read()
    .some((entry) => entry.pid === pid && !entry.isZombie);
}
