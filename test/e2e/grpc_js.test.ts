import { randomUUID } from "node:crypto";
import { on } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import {
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printProto } from "../../scripts/print-proto.ts";
import { cancelAndProve } from "./main_job.ts";
import { rpcNamed } from "./rpcs.ts";
import { startServer, type TestServer } from "./server.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SERVICES = ["cancellation_service", "execution_service", "worker_service"];

/** Where others' definitions that ours import are found: in a package, or, as no package ships it, printed into `folder`. */
function includesIn(folder: string): string[] {
  const path = join(folder, file_buf_validate_validate.proto.name);
  mkdirSync(resolve(path, ".."), { recursive: true });
  writeFileSync(path, printProto(file_buf_validate_validate));
  return [join(ROOT, "node_modules/google-gax/build/protos"), folder];
}

type UnaryMethod = (
  request: JsonObject,
  answered: (error: ServiceError | null, answer?: JsonObject) => void,
) => unknown;
type StreamingMethod = (request: JsonObject) => ClientReadableStream<JsonObject>;

/** Clients as @grpc/grpc-js makes them at run time from the .proto files. */
function loadClients(address: string): Client[] {
  const folder = mkdtempSync(join(tmpdir(), "belay-protos-"));
  try {
    const definition = loadSync(
      SERVICES.map((name) => `belay/v1/${name}.proto`),
      { includeDirs: [join(ROOT, "proto"), ...includesIn(folder)], longs: String, enums: String, oneofs: true },
    );
    const loaded = loadPackageDefinition(definition) as unknown as {
      belay: { v1: Record<string, ServiceClientConstructor> };
    };
    return ["CancellationService", "ExecutionService", "WorkerService"].map((name) => {
      const ServiceClient = loaded.belay.v1[name]!;
      return new ServiceClient(address, credentials.createInsecure());
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let server: TestServer;
let clients: Client[] = [];
beforeAll(async () => {
  server = await startServer();
  clients = loadClients(new URL(server.url).host);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server.close();
});

function clientWith(method: string): Record<string, UnaryMethod & StreamingMethod> {
  const client: unknown = clients.find((candidate) => method in candidate);
  return client as Record<string, UnaryMethod & StreamingMethod>;
}

function call(rpc: string, request: JsonObject): Promise<unknown> {
  const { localName } = rpcNamed(rpc);
  const client = clientWith(localName);
  return new Promise((done, failed) => {
    client[localName]?.(request, (error, answer) => (error === null ? done(answer) : failed(error)));
  });
}

describe("@grpc/grpc-js, with the .proto files", () => {
  it("cancels a process and sees its stop proven", async () => {
    await cancelAndProve(call);
  });

  it("reads why a call was refused", async () => {
    const error = await call("GetProcess", { processId: "no-such-process" }).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ code: status.NOT_FOUND, details: "no process 'no-such-process' is registered" });
  });

  it("is told over its stream to stop", async () => {
    const execution = { kind: "KIND_PROCESS", id: randomUUID() };
    const workerId = randomUUID();
    await call("RegisterExecution", { ...execution, claim: { workerId } });
    const orders = clientWith("attach")["attach"]!({ workerId });
    const messages = on(orders, "data");
    const attached = await messages.next();

    await call("CancelProcess", { processId: execution.id, reason: "wrong input", requestedBy: { system: "test" } });
    const ordered = await messages.next();

    expect(attached.value).toMatchObject([{ message: "attached" }]);
    expect(ordered.value).toMatchObject([{ stopOrder: { execution, token: "1", signal: "STOP_SIGNAL_STOP" } }]);
    orders.on("error", () => {});
    orders.cancel();
  });
});
