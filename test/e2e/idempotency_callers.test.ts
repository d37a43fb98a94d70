import { randomUUID } from "node:crypto";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventType } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";
import { startWork } from "./work.ts";

const OPERATOR = "a-key-of-the-operator";
const OPERATOR_TOO = "another-key-of-the-operator";

let server: TestServer;
let keys: Client<typeof KeyService>;
let one: Clients;
let other: Clients;
/** Of another tenant than the first two. */
let stranger: Clients;
beforeAll(async () => {
  server = await startServer("--api-key", OPERATOR, "--api-key", OPERATOR_TOO);
  keys = createClient(KeyService, createGrpcTransport({ baseUrl: server.url }));
  one = clientsOf(server.url, OPERATOR);
  other = clientsOf(server.url, OPERATOR_TOO);
  const { secret } = await keys.createKey({ ...NEW_KEY, tenant: "acme" }, asOperator());
  stranger = clientsOf(server.url, secret);
});
afterAll(() => server.close());

const NEW_KEY = { description: "for a test", scopes: ["admin"] };

const asOperator = (more: Record<string, string> = {}) => ({
  headers: { authorization: `Bearer ${OPERATOR}`, ...more },
});

describe("a key", () => {
  it("of another caller names another command", async () => {
    const { ref } = await startWork(one, Kind.PROCESS);
    const request = { processId: ref.id, reason: "r", requestedBy: { system: "test" }, commandId: randomUUID() };
    await one.cancellations.cancelProcess(request);

    const { cancellation } = await other.cancellations.cancelProcess({ ...request, reason: "another" });

    const types = cancellation?.timeline.map(({ type }) => type);
    expect(types).toContain(EventType.CANCELLATION_JOINED);
  });

  it("of another caller, or of another tenant, names another registration", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const register = async ({ executions }: Clients): Promise<string> => {
      const { execution } = await executions.registerExecution({ kind: Kind.ASSESSMENT }, { headers });
      return execution!.ref!.id;
    };

    const ids = [await register(one), await register(other), await register(stranger), await register(one)];

    expect(new Set(ids).size).toBe(3);
    expect(ids[3]).toBe(ids[0]);
  });

  it("of a tenant tells nothing to another one", async () => {
    const { ref } = await startWork(one, Kind.PROCESS);
    const request = { processId: ref.id, reason: "r", requestedBy: { system: "test" }, commandId: randomUUID() };
    await one.cancellations.cancelProcess(request);

    await expect(stranger.cancellations.cancelProcess(request)).rejects.toThrow("no process");
  });
});

describe("CreateKey", () => {
  it("refuses a key, because no secret can be answered again, and makes none", async () => {
    const before = await keys.listKeys({}, asOperator());

    await expect(keys.createKey(NEW_KEY, asOperator({ "idempotency-key": randomUUID() }))).rejects.toThrow(
      "Idempotency-Key is not taken here: a secret is kept nowhere, so it can't be answered again",
    );

    const after = await keys.listKeys({}, asOperator());
    expect(after).toEqual(before);
  });
});
