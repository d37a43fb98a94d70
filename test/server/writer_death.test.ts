import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Command } from "commander";
import { expect, it, onTestFinished } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { addServeOptions, configOf } from "../../src/cli/serve_options.ts";
import { startServer } from "../../src/server/main.ts";
import { clientsOf } from "../e2e/clients.ts";
import { cancel, startWork } from "../e2e/work.ts";

it("a server whose writing thread dies says so, refuses what it can't write at once, still shows what it knows, and can be stopped", async () => {
  const folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const started = Promise.withResolvers<Worker>();
  process.once("worker", started.resolve);
  const flags = ["--port", "0", "--db", join(folder, "belay.db"), "--log-level", "silent"];
  const server = await startServer(configOf(addServeOptions(new Command()).parse(flags, { from: "user" }).opts()));
  onTestFinished(() => server.close());
  const thread = await started.promise;
  await new Promise((ready) => thread.once("message", ready));
  const clients = clientsOf(server.url);
  const work = await startWork(clients, Kind.PROCESS);
  const { id } = await cancel(clients, work.ref, Strategy.SOFT);
  const watch = createClient(Health, createGrpcTransport({ baseUrl: server.url }))
    .watch({})
    [Symbol.asyncIterator]();
  const nextStatus = async () => (await watch.next()).value?.status;
  expect(await nextStatus()).toBe(Status.SERVING);

  await thread.terminate();

  expect(await nextStatus()).toBe(Status.NOT_SERVING);
  const refused = await cancel(clients, work.ref, Strategy.HARD).catch((error) => ConnectError.from(error));
  expect(refused).toMatchObject({ code: Code.Unavailable });
  const { cancellation } = await clients.cancellations.getCancellation({ cancellationId: id });
  expect(cancellation?.execution?.id).toBe(work.ref.id);
  await watch.return?.();
});
