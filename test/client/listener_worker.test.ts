import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { type ListenerJob, ListenerJobSchema } from "../../gen/belay/v1/worker_service_pb.ts";
import { type Belay, createBelay } from "../../src/client/index.ts";
import { type FakeBelay, fakeBelay, refused, unavailable } from "./fake_belay.ts";

function jobOf(number: number): ListenerJob {
  return create(ListenerJobSchema, { key: `c-${number}:0`, type: "clean-up", activation: BigInt(number), retries: 3 });
}

/** A server that hands out the given jobs, and then makes its callers wait. */
function serverWith(...jobs: ListenerJob[]): FakeBelay {
  const server = fakeBelay({
    workers: {
      async activateListenerJobs(_, { signal }) {
        const job = jobs.shift();
        if (job === undefined) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return { jobs: job === undefined ? [] : [job] };
      },
    },
  });
  return server;
}

function connect(server: FakeBelay): Belay {
  const belay = createBelay({ transport: server.transport, workerId: "w-1" });
  onTestFinished(() => belay.close());
  return belay;
}

const requestsOf = ({ calls }: FakeBelay, method: string) =>
  calls.filter((call) => call.method === method).map(({ request }) => request);

test("completes the job when the handler resolves", async () => {
  const server = serverWith(jobOf(1), jobOf(2));
  const handled: string[] = [];

  const listener = connect(server).serveListener("clean-up", ({ key }) => void handled.push(key), { lockSeconds: 5 });
  await server.called("CompleteListenerJob", 2);
  await listener.stop();

  expect(handled).toEqual(["c-1:0", "c-2:0"]);
  expect(requestsOf(server, "ActivateListenerJobs")[0]).toMatchObject({ types: ["clean-up"], lockSeconds: 5 });
  expect(requestsOf(server, "CompleteListenerJob")).toMatchObject([
    { jobKey: "c-1:0", activation: 1n },
    { jobKey: "c-2:0", activation: 2n },
  ]);
});

test("fails the job with the handler's words when it rejects", async () => {
  const server = serverWith(jobOf(1));

  const listener = connect(server).serveListener(["clean-up"], () => Promise.reject(new Error("no key")));
  await server.called("FailListenerJob");
  await listener.stop();

  expect(requestsOf(server, "FailListenerJob")).toMatchObject([{ jobKey: "c-1:0", activation: 1n, message: "no key" }]);
});

test("works on as many jobs at a time as it is told to", async () => {
  const server = serverWith(jobOf(1), jobOf(2));
  const bothStarted = Promise.withResolvers<void>();
  let started = 0;

  const listener = connect(server).serveListener(
    "clean-up",
    async () => {
      started += 1;
      if (started === 2) bothStarted.resolve();
      await bothStarted.promise;
    },
    { concurrency: 2 },
  );
  await server.called("CompleteListenerJob", 2);
  await listener.stop();

  expect(started).toBe(2);
});

test("stopping tells the job under way, and waits until it has settled and is reported", async () => {
  const server = serverWith(jobOf(1));
  const started = Promise.withResolvers<void>();
  const listener = connect(server).serveListener("clean-up", async (_, signal) => {
    started.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new Error("stopped half-way");
  });
  await started.promise;

  await listener.stop();

  expect(requestsOf(server, "FailListenerJob")).toMatchObject([{ message: "stopped half-way" }]);
});

test("goes on after a server that was away", async () => {
  let attempts = 0;
  const server = fakeBelay({
    workers: {
      async activateListenerJobs(_, { signal }) {
        attempts += 1;
        if (attempts === 1) throw unavailable();
        if (attempts === 2) return { jobs: [jobOf(1)] };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return {};
      },
    },
  });

  const listener = connect(server).serveListener("clean-up", () => {});
  await server.called("CompleteListenerJob");
  await listener.stop();

  expect(attempts).toBeGreaterThanOrEqual(2);
});

test("a job that another worker has taken over does not stop the listener worker", async () => {
  const jobs = [jobOf(1), jobOf(2)];
  const server = fakeBelay({
    workers: {
      async activateListenerJobs(_, { signal }) {
        const job = jobs.shift();
        if (job === undefined) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return { jobs: job === undefined ? [] : [job] };
      },
      completeListenerJob({ activation }) {
        if (activation === 1n) throw refused(Code.FailedPrecondition, "LISTENER_JOB_NOT_HELD");
        return {};
      },
    },
  });

  const listener = connect(server).serveListener("clean-up", () => {});
  await server.called("CompleteListenerJob", 2);
  await listener.stop();

  expect(requestsOf(server, "CompleteListenerJob")).toHaveLength(2);
});
