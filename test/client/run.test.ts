import { Code, ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { Strategy } from "../../gen/belay/v1/cancellation_pb.ts";
import { StopSignal } from "../../gen/belay/v1/worker_service_pb.ts";
import {
  type Belay,
  CancellationError,
  ClientClosedError,
  createBelay,
  type ExecutionOptions,
  LeaseLostError,
  UnreachableError,
} from "../../src/client/index.ts";
import { CANCELLATION, type FakeBelay, fakeBelay, refused, TOKEN, unavailable } from "./fake_belay.ts";

const P1 = { kind: "process", id: "p-1" } satisfies ExecutionOptions;

function connect(server: FakeBelay): Belay {
  const belay = createBelay({ transport: server.transport, workerId: "w-1" });
  onTestFinished(() => belay.close());
  return belay;
}

/** Work that ends when it is told to, as well-behaved code does. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

const methods = ({ calls }: FakeBelay) => calls.map(({ method }) => method).filter((method) => method !== "Heartbeat");
const requestOf = ({ calls }: FakeBelay, method: string) => calls.find((call) => call.method === method)?.request;

const resultOf = (server: FakeBelay) => {
  const request = requestOf(server, "CompleteExecution");
  return typeof request === "object" && request !== null && "result" in request ? request.result : undefined;
};

test("registers with a claim, records the function's value and returns it", async () => {
  const server = fakeBelay();
  const belay = connect(server);

  const value = await belay.run(
    {
      ...P1,
      labels: { team: "data" },
      listeners: ["a", { type: "b", retries: 1 }],
      parent: { kind: "workflow_run", id: "r-1" },
      leaseSeconds: 9,
      detail: { processType: "import" },
    },
    () => ({ imported: 3 }),
  );

  expect(value).toEqual({ imported: 3 });
  expect(requestOf(server, "RegisterExecution")).toMatchObject({
    id: "p-1",
    labels: { team: "data" },
    listeners: [{ type: "a" }, { type: "b", retries: 1 }],
    parent: { id: "r-1" },
    claim: { workerId: "w-1", leaseSeconds: 9 },
    detail: { case: "process", value: { processType: "import" } },
  });
  expect(requestOf(server, "CompleteExecution")).toMatchObject({ token: TOKEN, result: { imported: 3 } });
});

test.each([
  ["a list", [1, 2], { value: [1, 2] }],
  ["a string", "done", { value: "done" }],
  ["nothing", undefined, undefined],
  ["what JSON can't hold", 1n, undefined],
])("records %s as the result", async (_, value, result) => {
  const server = fakeBelay();

  const returned = await connect(server).run(P1, () => value);

  expect(returned).toBe(value);
  expect(resultOf(server)).toEqual(result);
});

test("records what the function threw, and rejects with it", async () => {
  const server = fakeBelay();
  const error = new RangeError("too far");

  const running = connect(server).run(P1, () => Promise.reject(error));

  await expect(running).rejects.toBe(error);
  expect(requestOf(server, "FailExecution")).toMatchObject({ error: { type: "RangeError", message: "too far" } });
});

test("cuts an error's text to what the contract takes", async () => {
  const server = fakeBelay();
  const running = connect(server).run(P1, () => Promise.reject(new Error("\u{1F642}".repeat(5000))));

  await expect(running).rejects.toThrow();

  const request = requestOf(server, "FailExecution");
  expect(request).toHaveProperty("error.message.length", 8192);
});

test("a stop fires the signal with the cancellation; the stop is reported once the function has settled", async () => {
  const server = fakeBelay();
  let isSettled = false;
  const running = connect(server).run(P1, async (signal) => {
    server.order(StopSignal.STOP, CANCELLATION);
    await untilAborted(signal).catch(() => {});
    expect(methods(server)).not.toContain("ReportStopped");
    isSettled = true;
    throw signal.reason;
  });

  const error = await running.catch((reason: unknown) => reason);

  expect(isSettled).toBe(true);
  expect(error).toBeInstanceOf(CancellationError);
  expect(error).toMatchObject({
    execution: P1,
    cancellation: { id: "c-1", strategy: "soft_then_force", reason: "runaway" },
    message: "process 'p-1' was cancelled by ann (incident-bot): runaway",
  });
  expect(methods(server)).toEqual(["RegisterExecution", "Attach", "ReportStopped"]);
  expect(requestOf(server, "ReportStopped")).toMatchObject({ token: TOKEN });
});

test("a function that returns in spite of a stop is cancelled all the same", async () => {
  const server = fakeBelay();
  const running = connect(server).run(P1, async (signal) => {
    server.order(StopSignal.STOP, CANCELLATION);
    await untilAborted(signal).catch(() => {});
    return "finished anyway";
  });

  await expect(running).rejects.toThrow(CancellationError);
  expect(requestOf(server, "ReportStopped")).toMatchObject({ evidence: "the function returned" });
});

test("what a function throws while it is being stopped is the cause", async () => {
  const server = fakeBelay();
  const error = new Error("clean-up failed");
  const running = connect(server).run(P1, async (signal) => {
    server.order(StopSignal.STOP, CANCELLATION);
    await untilAborted(signal).catch(() => {});
    throw error;
  });

  await expect(running).rejects.toMatchObject({ name: "CancellationError", cause: error });
  expect(requestOf(server, "ReportStopped")).toMatchObject({ evidence: "the function threw Error: clean-up failed" });
});

test("a cancellation that Belay decided before the result came wins", async () => {
  const server = fakeBelay({
    executions: {
      completeExecution() {
        throw refused(Code.FailedPrecondition, "CANCELLATION_UNDER_WAY");
      },
    },
  });

  const running = connect(server).run(P1, () => "done");

  await expect(running).rejects.toMatchObject({ name: "CancellationError", cancellation: { id: "c-1" } });
  expect(methods(server)).toContain("ReportStopped");
});

test("a terminate fires the second signal, after the first", async () => {
  const server = fakeBelay();
  const fired: string[] = [];
  const running = connect(server).run(P1, async (signal, execution) => {
    signal.addEventListener("abort", () => fired.push("signal"));
    execution.terminateSignal.addEventListener("abort", () => fired.push("terminateSignal"));
    server.order(StopSignal.STOP, CANCELLATION);
    await untilAborted(signal).catch(() => expect(execution.terminateSignal.aborted).toBe(false));
    server.order(StopSignal.TERMINATE, CANCELLATION);
    await untilAborted(execution.terminateSignal);
  });

  await expect(running).rejects.toThrow(CancellationError);
  expect(fired).toEqual(["signal", "terminateSignal"]);
});

test("a terminate without a stop before it fires both signals", async () => {
  const server = fakeBelay();
  const running = connect(server).run(P1, async (signal, execution) => {
    server.order(StopSignal.TERMINATE, { ...CANCELLATION, strategy: Strategy.HARD });
    await untilAborted(execution.terminateSignal).catch(() => expect(signal.aborted).toBe(true));
  });

  await expect(running).rejects.toMatchObject({ cancellation: { strategy: "hard" } });
});

test("work that was handed on stops, and reports to nobody", async () => {
  const server = fakeBelay();
  const running = connect(server).run(P1, async (signal) => {
    server.order(StopSignal.LEASE_LOST);
    await untilAborted(signal);
  });

  await expect(running).rejects.toBeInstanceOf(LeaseLostError);
  expect(methods(server)).not.toContain("ReportStopped");
});

test("work that was cancelled while the connection was lost still proves its stop", async () => {
  const server = fakeBelay();
  const running = connect(server).run(P1, async (signal) => {
    server.order(StopSignal.LEASE_LOST, CANCELLATION);
    await untilAborted(signal);
  });

  await expect(running).rejects.toMatchObject({ name: "LeaseLostError", cancellation: { id: "c-1" } });
  expect(methods(server)).toContain("ReportStopped");
});

test("a result that another worker has overtaken is not taken for success", async () => {
  const server = fakeBelay({
    executions: {
      completeExecution() {
        throw refused(Code.FailedPrecondition, "STALE_TOKEN");
      },
    },
  });

  await expect(connect(server).run(P1, () => "done")).rejects.toBeInstanceOf(LeaseLostError);
});

test("a result is delivered again until Belay answers", async () => {
  let attempts = 0;
  const server = fakeBelay({
    executions: {
      completeExecution() {
        attempts += 1;
        if (attempts < 4) throw unavailable();
        return {};
      },
    },
  });

  expect(await connect(server).run(P1, () => "done")).toBe("done");
  expect(attempts).toBe(4);
});

test("a result that is too large for Belay is not sent for ever", async () => {
  const server = fakeBelay({
    executions: {
      completeExecution() {
        throw refused(Code.ResourceExhausted, "BODY_TOO_LARGE");
      },
    },
  });

  await expect(connect(server).run(P1, () => "done")).rejects.toBeInstanceOf(ConnectError);
});

test("an execution that was cancelled before it started does not run", async () => {
  const server = fakeBelay({
    executions: {
      registerExecution() {
        throw refused(Code.FailedPrecondition, "ALREADY_CANCELLED", { cancellation_id: "c-1" });
      },
    },
  });
  let hasRun = false;

  const running = connect(server).run(P1, () => {
    hasRun = true;
  });

  await expect(running).rejects.toMatchObject({ name: "CancellationError", cancellation: { id: "c-1" } });
  expect(hasRun).toBe(false);
});

test("does not start work when Belay can't be reached", async () => {
  const server = fakeBelay({
    executions: {
      registerExecution() {
        throw unavailable();
      },
    },
  });

  const running = connect(server).run({ ...P1, startTimeoutSeconds: 0.3 }, () => "done");

  await expect(running).rejects.toBeInstanceOf(UnreachableError);
  await expect(running).rejects.toThrow(/did not answer within 0.3 s: .*ECONNREFUSED/);
  expect(server.calls.length).toBeGreaterThan(1);
});

test("keeps the same id when it has to ask again", async () => {
  let attempts = 0;
  const server = fakeBelay({
    executions: {
      registerExecution() {
        attempts += 1;
        if (attempts === 1) throw unavailable();
        return { lease: { token: TOKEN, leaseSeconds: 1 } };
      },
    },
  });
  let id = "";

  await connect(server).run({ kind: "process_instance" }, (_, execution) => {
    id = execution.id;
  });

  const ids = server.calls.filter(({ method }) => method === "RegisterExecution").map(({ request }) => request);
  expect(id).toMatch(/^\d{19}$/);
  expect(ids).toMatchObject([{ id }, { id }]);
});

test("a refusal to start is passed on at once", async () => {
  const server = fakeBelay({
    executions: {
      registerExecution() {
        throw refused(Code.AlreadyExists, "EXECUTION_EXISTS");
      },
    },
  });

  await expect(connect(server).run(P1, () => "done")).rejects.toMatchObject({ code: Code.AlreadyExists });
  expect(methods(server)).toEqual(["RegisterExecution"]);
});

test("starts what somebody else has registered", async () => {
  const server = fakeBelay();

  await connect(server).run({ ...P1, registered: true }, () => {});

  expect(methods(server)).toEqual(["StartExecution", "Attach", "CompleteExecution"]);
});

test("does not run the same execution twice at a time", async () => {
  const server = fakeBelay();
  const belay = connect(server);

  await belay.run(P1, async () => {
    await expect(belay.run(P1, () => {})).rejects.toThrow("process 'p-1' is being run by this client already");
  });

  await expect(belay.run(P1, () => "again")).resolves.toBe("again");
});

test("a closed client gives up what it could not deliver", async () => {
  const server = fakeBelay({
    executions: {
      completeExecution() {
        throw unavailable();
      },
    },
  });
  const belay = connect(server);
  const running = belay.run(P1, () => "done");
  await server.called("CompleteExecution");

  belay.close();

  await expect(running).rejects.toBeInstanceOf(ClientClosedError);
  await expect(belay.run(P1, () => "done")).rejects.toBeInstanceOf(ClientClosedError);
});

test("refuses an address that is no URL", () => {
  expect(() => createBelay({ address: "localhost:8080" })).toThrow(/"localhost:8080" is no address of Belay/);
});
