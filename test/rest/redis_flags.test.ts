/** The cancellation flags of workflow runs: with Redis, without it, and with one that comes and goes. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Started, startBelay } from "../cli/belay_command.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { finishedWork, newId, startWork } from "../e2e/work.ts";
import { type FakeRedis, startFakeRedis } from "./fake_redis.ts";

const FLAG_OF = (id: string) => `belay:cancelled:default:workflow_run:${id}`;
const DAY_IN_SECONDS = 86_400;

/** A cancel that nothing waits for is answered at once; a cancel that Redis delays is answered well before the wait of the contract ends. */
const IN_TIME = 1_500;

interface Belay {
  readonly started: Started;
  readonly url: string;
  readonly clients: Clients;
}

async function startWith(redisPort: number): Promise<Belay> {
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const started = startBelay([
    "serve",
    "--port",
    "0",
    "--db",
    ":memory:",
    "--log-level",
    "warn",
    "--redis-url",
    redisUrl,
  ]);
  onTestFinished(() => void started.process.kill("SIGKILL"));
  const [, url = ""] = await started.prints(/^belay: listening on (https?:\S+)/m);
  return { started, url, clients: clientsOf(url) };
}

/** A run that nobody runs: its cancel has ended when it is accepted. */
async function registerRun({ clients }: Belay): Promise<string> {
  const id = newId(Kind.WORKFLOW_RUN);
  await clients.executions.registerExecution({ kind: Kind.WORKFLOW_RUN, id });
  return id;
}

interface Answer {
  readonly cancellation_status: string;
  readonly redis_available: boolean;
}

async function cancelRun({ url }: Belay, id: string, commandId: string | null = null): Promise<Answer> {
  const response = await fetch(`${url}/v1/workflows/runs/${id}/cancel`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ command_id: commandId }),
    signal: AbortSignal.timeout(IN_TIME),
  });
  return (await response.json()) as Answer;
}

function countOf(belay: Belay, words: string): number {
  return belay.started.output().split(words).length - 1;
}

let redis: FakeRedis | undefined;
afterEach(async () => {
  await redis?.stop();
  redis = undefined;
});

describe("with Redis", () => {
  it("raises the flag and publishes it, before the cancel is answered", async () => {
    redis = await startFakeRedis();
    const belay = await startWith(redis.port);
    const id = await registerRun(belay);

    const answer = await cancelRun(belay, id);

    const { workflowRun } = await belay.clients.executions.getWorkflowRun({ runId: id });
    const cancellation = {
      cancellation_id: workflowRun?.execution?.cancellation?.id,
      strategy: "soft_then_force",
      reason: "user requested cancellation",
    };
    const [, set = [], publish = []] = redis.commands;
    expect(answer).toMatchObject({ cancellation_status: "cancelled", redis_available: true });
    expect(redis.commands.map(([name]) => name)).toEqual(["MULTI", "SET", "PUBLISH", "EXEC"]);
    expect([set[1], JSON.parse(set[2]!), ...set.slice(3)]).toEqual([
      FLAG_OF(id),
      cancellation,
      "EX",
      `${DAY_IN_SECONDS}`,
    ]);
    expect([publish[1], JSON.parse(publish[2]!)]).toEqual([
      "belay:cancelled",
      { key: FLAG_OF(id), tenant: "default", kind: "workflow_run", id, ...cancellation },
    ]);
  });

  it("says so over gRPC too", async () => {
    redis = await startFakeRedis();
    const belay = await startWith(redis.port);
    const runId = await registerRun(belay);
    const { redisAvailable } = await belay.clients.cancellations.cancelWorkflowRun({ runId });
    expect(redisAvailable).toBe(true);
  });

  it("raises the flags of child runs", async () => {
    redis = await startFakeRedis();
    const belay = await startWith(redis.port);
    const parent = await startWork(belay.clients, Kind.WORKFLOW_RUN);
    const child = await startWork(belay.clients, Kind.WORKFLOW_RUN, { parent: parent.ref });
    const listening = belay.clients.workers.attach({ workerId: child.workerId })[Symbol.asyncIterator]();
    await listening.next();

    await Promise.all([
      belay.clients.cancellations.cancelWorkflowRun({ runId: parent.ref.id }),
      // The child's stop order.
      listening.next(),
    ]);

    await expect.poll(() => redis?.commands.map(([, key]) => key)).toContain(FLAG_OF(child.ref.id));
  });

  it.each([
    ["a run that had finished", Kind.WORKFLOW_RUN],
    ["another kind", Kind.PROCESS],
  ])("raises none for %s", async (_name, kind) => {
    redis = await startFakeRedis();
    const { clients } = await startWith(redis.port);
    const { ref } = await finishedWork(clients, kind);

    if (kind === Kind.PROCESS) {
      await clients.cancellations.cancelProcess({ processId: ref.id, reason: "r", requestedBy: { system: "test" } });
    } else {
      expect(await clients.cancellations.cancelWorkflowRun({ runId: ref.id })).toMatchObject({ redisAvailable: false });
    }

    expect(redis.commands).toEqual([]);
  });

  it("answers a repeated command as it did first, though Redis has gone since", async () => {
    redis = await startFakeRedis();
    const belay = await startWith(redis.port);
    const id = await registerRun(belay);
    const first = await cancelRun(belay, id, "cmd_1");
    await redis.stop();

    const again = await cancelRun(belay, id, "cmd_1");

    expect(first.redis_available).toBe(true);
    expect(again).toEqual(first);
  });
});

describe("without Redis", () => {
  it("cancels in time while Redis is down at the start, and raises flags once it is there", async () => {
    const port = await freePort();
    const belay = await startWith(port);

    const down = await cancelRun(belay, await registerRun(belay));
    redis = await startFakeRedis(port);
    await belay.started.prints(/takes cancellation flags again/);
    const up = await cancelRun(belay, await registerRun(belay));

    expect(down).toMatchObject({ cancellation_status: "cancelled", redis_available: false });
    expect(up).toMatchObject({ cancellation_status: "cancelled", redis_available: true });
  });

  it("cancels in time when Redis dies, and says once that it went and once that it is back", async () => {
    redis = await startFakeRedis();
    const { port } = redis;
    const belay = await startWith(port);
    await redis.stop();
    await belay.started.prints(/Redis takes no cancellation flags/);

    const answers = [];
    for (let count = 0; count < 3; count += 1) answers.push(await cancelRun(belay, await registerRun(belay)));
    redis = await startFakeRedis(port);
    await belay.started.prints(/takes cancellation flags again/);
    const back = await cancelRun(belay, await registerRun(belay));

    expect(answers.map((answer) => answer.redis_available)).toEqual([false, false, false]);
    expect(back.redis_available).toBe(true);
    expect(countOf(belay, "Redis takes no cancellation flags")).toBe(1);
    expect(countOf(belay, "takes cancellation flags again")).toBe(1);
  });

  it("cancels in time when Redis falls silent", async () => {
    redis = await startFakeRedis();
    const belay = await startWith(redis.port);
    redis.fallSilent();

    const answer = await cancelRun(belay, await registerRun(belay));

    expect(answer).toMatchObject({ cancellation_status: "cancelled", redis_available: false });
  });

  it("does not say that a flag was raised when Redis refuses to write", async () => {
    redis = await startFakeRedis();
    const belay = await startWith(redis.port);
    redis.refuseWrites();

    const answers = [
      await cancelRun(belay, await registerRun(belay)),
      await cancelRun(belay, await registerRun(belay)),
    ];

    expect(answers.map((answer) => answer.redis_available)).toEqual([false, false]);
    expect(countOf(belay, "Redis takes no cancellation flags")).toBe(1);
  });

  it("shuts down in order while Redis is away", async () => {
    const belay = await startWith(await freePort());
    belay.started.process.kill("SIGTERM");
    expect(await belay.started.ended).toBe(0);
  });
});

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis) console.warn("skipped: the cancellation flag in a real Redis, because redis-server is not installed");

describe.skipIf(!hasRedis)("with a real Redis", () => {
  it("keeps the flag for a day, and tells those that listen", async () => {
    const port = await freePort();
    await startRealRedis(port);
    const looking = await connectTo(port);
    const heard = Promise.withResolvers<unknown>();
    const listening = await connectTo(port);
    await listening.subscribe("belay:cancelled", (message) => heard.resolve(JSON.parse(message)));
    const belay = await startWith(port);
    const id = await registerRun(belay);

    const answer = await cancelRun(belay, id);

    const flag = JSON.parse((await looking.get(FLAG_OF(id)))!);
    const timeToLive = await looking.ttl(FLAG_OF(id));
    expect(answer.redis_available).toBe(true);
    expect(flag).toMatchObject({ strategy: "soft_then_force", reason: "user requested cancellation" });
    expect(timeToLive).toBeGreaterThan(DAY_IN_SECONDS - 60);
    expect(timeToLive).toBeLessThanOrEqual(DAY_IN_SECONDS);
    expect(await heard.promise).toEqual({ key: FLAG_OF(id), tenant: "default", kind: "workflow_run", id, ...flag });
  });
});

async function startRealRedis(port: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "belay-redis-"));
  const process = spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder]);
  onTestFinished(async () => {
    process.kill("SIGKILL");
    await once(process, "close");
    rmSync(folder, { recursive: true });
  });
  let output = "";
  for await (const text of process.stdout.setEncoding("utf8")) {
    output += text;
    if (output.includes("Ready to accept connections")) return;
  }
  throw new Error(`redis-server ended:\n${output}`);
}

async function connectTo(port: number) {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on("error", () => client.destroy());
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address !== null ? address.port : 0;
}
