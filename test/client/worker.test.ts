import { expect, onTestFinished, test } from "vitest";
import { StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import { type Belay, type Claim, createBelay, type Logger, type StopOrder } from "../../src/client/index.ts";
import { CANCELLATION, type FakeBelay, fakeBelay, TOKEN, unavailable } from "./fake_belay.ts";

function connect(server: FakeBelay, logger?: Logger): Belay {
  const belay = createBelay({ transport: server.transport, ...(logger && { logger }) });
  onTestFinished(() => belay.close());
  return belay;
}

function nextOrder(claim: Claim): Promise<StopOrder> {
  return new Promise((resolve) => claim.onOrder(resolve));
}

const count = ({ calls }: FakeBelay, method: string) => calls.filter((call) => call.method === method).length;

test("one stream and one heartbeat serve all claims", async () => {
  const server = fakeBelay();
  const belay = connect(server);
  for (const id of ["p-1", "p-2", "p-3"]) await belay.claim({ kind: "process", id });

  await server.called("Heartbeat");

  expect(count(server, "Attach")).toBe(1);
  const heartbeat = server.calls.find(({ method }) => method === "Heartbeat")?.request;
  expect(heartbeat).toMatchObject({
    workerId: belay.workerId,
    leases: [
      { execution: { id: "p-1" }, token: TOKEN },
      { execution: { id: "p-2" }, token: TOKEN },
      { execution: { id: "p-3" }, token: TOKEN },
    ],
  });
});

test("heartbeats go on until the claim is released", async () => {
  const server = fakeBelay();
  const claim = await connect(server).claim({ kind: "process", id: "p-1" });
  await server.called("Heartbeat", 3);

  claim.release();

  const beats = count(server, "Heartbeat");
  const again = await connect(server).claim({ kind: "process", id: "p-2" });
  await server.called("Heartbeat", beats + 1);
  const last = server.calls.at(-1)?.request;
  expect(last).toMatchObject({ leases: [{ execution: { id: "p-2" } }] });
  again.release();
});

test("heartbeats go on after failed ones, sooner than usual", async () => {
  let beats = 0;
  const server = fakeBelay({
    workers: {
      heartbeat() {
        beats += 1;
        throw unavailable();
      },
    },
  });
  await connect(server).claim({ kind: "process", id: "p-1" });

  await server.called("Heartbeat", 3);

  expect(beats).toBeGreaterThanOrEqual(2);
});

test("obeys the answer of a heartbeat where the stream brings nothing", async () => {
  const server = fakeBelay({
    workers: {
      heartbeat: ({ leases }) => ({
        leases: leases.map(() => ({ signal: StopSignal.STOP, cancellation: CANCELLATION })),
      }),
    },
  });
  const claim = await connect(server).claim({ kind: "process", id: "p-1" });

  expect(await nextOrder(claim)).toMatchObject({ signal: "stop", cancellation: { id: "c-1" } });
});

test("an order that comes twice is told once, a stronger one is told", async () => {
  const server = fakeBelay();
  const claim = await connect(server).claim({ kind: "process", id: "p-1" });
  const told: string[] = [];
  const terminated = new Promise<void>((resolve) => {
    claim.onOrder(({ signal }) => {
      told.push(signal);
      if (signal === "terminate") resolve();
    });
  });

  server.order(StopSignal.STOP, CANCELLATION);
  server.order(StopSignal.STOP, CANCELLATION);
  server.order(StopSignal.TERMINATE, CANCELLATION);
  await terminated;

  expect(told).toEqual(["stop", "terminate"]);
});

test("an order that overtakes the answer to the claim is not lost", async () => {
  const answered = Promise.withResolvers<void>();
  const server = fakeBelay({
    executions: {
      async registerExecution({ id }) {
        if (id === "p-1") await answered.promise;
        return { lease: { token: TOKEN, leaseSeconds: 60 } };
      },
    },
  });
  const belay = connect(server);
  await belay.claim({ kind: "process", id: "p-0" });
  await server.called("Attach");
  const claiming = belay.claim({ kind: "process", id: "p-1" });
  await server.called("RegisterExecution", 2);

  server.order(StopSignal.STOP, CANCELLATION);
  await new Promise((resolve) => setImmediate(resolve));
  answered.resolve();

  expect(await nextOrder(await claiming)).toMatchObject({ signal: "stop" });
});

test("an order for an earlier lease does not stop the work", async () => {
  const server = fakeBelay();
  const claim = await connect(server).claim({ kind: "process", id: "p-1" });

  server.order(StopSignal.LEASE_LOST, undefined, TOKEN - 1n);
  server.order(StopSignal.STOP, CANCELLATION);

  expect(await nextOrder(claim)).toMatchObject({ signal: "stop" });
});

test("a broken stream is opened again, and what was missed comes then", async () => {
  const server = fakeBelay();
  const told: string[] = [];
  const logger = {
    debug: () => {},
    info: (message: string) => void told.push(message),
    warn: (message: string) => void told.push(message),
  };
  const claim = await connect(server, logger).claim({ kind: "process", id: "p-1" });
  await server.attached();

  server.breakStream();
  await server.attached(2);
  server.order(StopSignal.STOP, CANCELLATION);

  expect(await nextOrder(claim)).toMatchObject({ signal: "stop" });
  expect(told).toEqual([
    "lost the connection to Belay (the server went away); the work goes on",
    "the connection to Belay is back",
  ]);
});
