import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { EventType, Strategy, type TimelineEvent } from "../../gen/belay/v1/cancellation_pb.ts";
import { type ExecutionRef, Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { type Clients, clientsOf } from "../e2e/clients.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { cancel, stopWhenTold, type Work } from "../e2e/work.ts";
import { type CallbackReceiver, expectSigned, startCallbackReceiver } from "./callback_receiver.ts";

const SECRET = "a-secret-of-both-sides";

let server: TestServer;
let clients: Clients;
let receiver: CallbackReceiver;
beforeAll(async () => {
  server = await startServer("--callback-secret", SECRET);
  clients = clientsOf(server.url);
});
afterAll(() => server.close());
beforeEach(async () => {
  receiver = await startCallbackReceiver();
});
afterEach(() => receiver.close());

/** A process with a callback, run by a worker. */
async function startProcess(callbackUrl = receiver.url, of = clients): Promise<Work> {
  const workerId = randomUUID();
  const answer = await of.executions.registerExecution({
    kind: Kind.PROCESS,
    claim: { workerId },
    queueItems: [{ id: "q-1" }],
    detail: {
      case: "process",
      value: {
        processType: "keyword_warmup",
        requestedBy: { system: "ugc-tracker" },
        callback: { url: callbackUrl, metadata: { environment: "test" } },
      },
    },
  });
  return { ref: answer.execution!.ref!, workerId, token: answer.lease!.token };
}

function complete({ ref, token }: Work, of = clients) {
  return of.executions.completeExecution({ execution: ref, token, result: { posted: true } });
}

/** What the timeline tells of the callback, once it tells it. */
function callbackEvents(execution: ExecutionRef): Promise<TimelineEvent[]> {
  return vi.waitFor(
    async () => {
      const told: TimelineEvent[] = [];
      for await (const { event } of clients.executions.watchExecution({ execution })) {
        const { type } = event!;
        if (type === EventType.CALLBACK_DELIVERED || type === EventType.CALLBACK_FAILED) told.push(event!);
      }
      expect(told).not.toEqual([]);
      return told;
    },
    { timeout: 10_000 },
  );
}

describe("the callback of a process", () => {
  it("tells its receiver that it completed, with the process as it is read, signed", async () => {
    const work = await startProcess();

    await complete(work);

    const callback = await receiver.next();
    expectSigned(callback, SECRET);
    expect(callback).toMatchObject({
      method: "POST",
      path: "/ended?from=belay",
      headers: { "content-type": "application/json", "user-agent": "phonefarm-callback/1.0" },
    });
    const response = await fetch(`${server.url}/processes/${work.ref.id}`);
    const process = (await response.json()) as { readonly timestamps: { readonly finished_at: string } };
    expect(process).toMatchObject({
      status: "completed",
      callback: { url: receiver.url, metadata: { environment: "test" } },
      result: { posted: true },
    });
    expect(JSON.parse(callback.body)).toEqual({
      event_type: "process.updated",
      milestone: "completed",
      emitted_at: process.timestamps.finished_at,
      process,
    });
  });

  it("tells that it failed, and why", async () => {
    const { ref, token } = await startProcess();

    await clients.executions.failExecution({ execution: ref, token, error: { type: "Banned", message: "no account" } });

    const callback = await receiver.next();
    expectSigned(callback, SECRET);
    expect(JSON.parse(callback.body)).toMatchObject({
      milestone: "failed_terminal",
      process: {
        process_id: ref.id,
        status: "failed_terminal",
        error: { type: "Banned", message: "no account", step: "", details: {} },
      },
    });
  });

  it("tells that it was cancelled, not before the stop is proven, and the timeline of the cancellation tells of it", async () => {
    const work = await startProcess();

    const { id } = await cancel(clients, work.ref, Strategy.HARD);
    expect(receiver.unseen()).toBe(0);
    await stopWhenTold(clients, work);

    const callback = await receiver.next();
    expectSigned(callback, SECRET);
    expect(JSON.parse(callback.body)).toMatchObject({ milestone: "cancelled", process: { status: "cancelled" } });
    await callbackEvents(work.ref);
    const { cancellation } = await clients.cancellations.getCancellation({ cancellationId: id });
    expect(cancellation?.timeline.at(-1)).toMatchObject({
      type: EventType.CALLBACK_DELIVERED,
      message: "the callback was delivered: HTTP 204",
    });
  });

  it("comes again after a 500, saying the same, until it is taken, and then no more", async () => {
    receiver.answer(500);
    const work = await startProcess();

    await complete(work);
    const first = await receiver.next();
    receiver.answer(200);
    const second = await receiver.next();

    expectSigned(first, SECRET);
    expectSigned(second, SECRET);
    expect(second.body).toBe(first.body);
    const events = await callbackEvents(work.ref);
    expect(events.map(({ type, attributes }) => [type, attributes["attempts"]])).toEqual([
      [EventType.CALLBACK_DELIVERED, "2"],
    ]);
    expect(receiver.unseen()).toBe(0);
  });

  it("follows no redirect", async () => {
    const elsewhere = await startCallbackReceiver();
    receiver.answer(307, { location: elsewhere.url });
    const work = await startProcess();

    await complete(work);
    await receiver.next();
    receiver.answer(204);
    await callbackEvents(work.ref);

    expect(elsewhere.unseen()).toBe(0);
    await elsewhere.close();
  });

  it.each([
    ["ftp://example.com/ended", "must be an http or https URL"],
    ["file:///etc/passwd", "must be an http or https URL"],
    ["https://user:secret@example.com/", "must not hold a user name or password"],
  ])("is not registered at %s", async (url, description) => {
    await expect(startProcess(url)).rejects.toThrow(`process.callback.url ${description}`);
  });
});

describe("the callback of a process, across a crash", () => {
  it("reaches its receiver after a kill -9 of the server that owed it", async () => {
    receiver.answer(503);
    const crashing = await startServer("--callback-secret", SECRET);
    const work = await startProcess(receiver.url, clientsOf(crashing.url));
    await complete(work, clientsOf(crashing.url));
    const first = await receiver.next();

    await crashing.kill();
    receiver.answer(204);
    await crashing.restart();

    const again = await receiver.next();
    expectSigned(again, SECRET);
    expect(again.body).toBe(first.body);
    expect(JSON.parse(again.body)).toMatchObject({ milestone: "completed", process: { process_id: work.ref.id } });
    await crashing.close();
  });

  it("goes out unsigned where no secret is configured", async () => {
    const secretless = await startServer();
    const of = clientsOf(secretless.url);

    await complete(await startProcess(receiver.url, of), of);

    const { headers } = await receiver.next();
    expect(headers["x-phonefarm-timestamp"]).toMatch(/^\d{10}$/);
    expect(headers).not.toHaveProperty("x-phonefarm-signature");
    await secretless.close();
  });
});
