import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { Refused, refusal } from "../../src/domain/refusal.ts";
import type { Service } from "../../src/service/service.ts";
import { errorOf, openDoor } from "./double.ts";
import { EVENT } from "./samples.ts";

const cancelRequest = { processId: "p-1", reason: "r", requestedBy: {} };
const never = () => new Promise<never>(() => {});

/** Waits as the service does: until it is told that the time is up. */
const waitForAbort: Service["cancel"] = (_request, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Refused(refusal("still_cancelling", "not yet"))));
  });

describe("a unary call", () => {
  it("is answered at its deadline, whatever its handler does", async () => {
    const door = openDoor({ cancel: never }, { defaultDeadline: 20 });

    const error = await errorOf(door.cancellations.cancelProcess(cancelRequest));

    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("DEADLINE_EXCEEDED");
    expect(door.statuses).toEqual([504]);
  });

  it("lets a handler that listens answer in its own words", async () => {
    const door = openDoor({ cancel: waitForAbort }, { defaultDeadline: 300 });

    const error = await errorOf(door.cancellations.cancelProcessInstance({ processInstanceKey: "1" }));

    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("STILL_CANCELLING");
    expect(door.statuses).toEqual([504]);
  });

  it("tells its handler early enough for the answer to reach a caller with a deadline of its own", async () => {
    const door = openDoor({ cancel: waitForAbort });

    const call = door.cancellations.cancelProcess(cancelRequest, { timeoutMs: 2_000 });
    const error = await errorOf(call);

    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("STILL_CANCELLING");
  });

  it("may take as long as the wait that it asks for", async () => {
    const door = openDoor(
      {
        activateListenerJobs: (_request, signal) =>
          // Two event loop turns are longer than a deadline of nothing, and shorter than the wait of a minute.
          new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
            setImmediate(() => setTimeout(() => resolve([]), 1));
          }),
      },
      { defaultDeadline: 0 },
    );

    const answer = await door.workers.activateListenerJobs({ workerId: "w", types: ["t"], waitSeconds: 60 });

    expect(answer.jobs).toEqual([]);
  });

  it("is given up with the reason of the server that shuts down", async () => {
    const shutdown = new AbortController();
    const reached = Promise.withResolvers<void>();
    const door = openDoor(
      {
        cancel: () => {
          reached.resolve();
          return never();
        },
      },
      { outer: (next) => (call) => next({ ...call, signal: shutdown.signal }) },
    );

    const call = errorOf(door.cancellations.cancelProcess(cancelRequest));
    await reached.promise;
    shutdown.abort(new ConnectError("going down", Code.Unavailable));
    const error = await call;

    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("SHUTTING_DOWN");
  });

  it("whose handler fails after the deadline is logged, because nobody can be told", async () => {
    const late = Promise.withResolvers<never>();
    const door = openDoor({ cancel: () => late.promise }, { defaultDeadline: 20 });
    const fault = new Error("too late");

    await errorOf(door.cancellations.cancelProcess(cancelRequest));
    late.reject(fault);
    await errorOf(late.promise.catch((cause) => Promise.reject(ConnectError.from(cause))));

    expect(door.faults).toMatchObject([{ err: fault, method: "belay.v1.CancellationService/CancelProcess" }]);
  });
});

describe("a stream", () => {
  it("that ends because the server shuts down is not taken for complete", async () => {
    const shutdown = new AbortController();
    const door = openDoor(
      {
        async *watchCancellation(_tenant, _id, _after, signal) {
          yield EVENT;
          while (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
      { outer: (next) => (call) => next({ ...call, signal: shutdown.signal }) },
    );
    const sequences: bigint[] = [];

    const read = async () => {
      for await (const { event } of door.cancellations.watchCancellation({ cancellationId: "c-1" })) {
        sequences.push(event!.sequence);
        shutdown.abort(new ConnectError("going down", Code.Unavailable));
      }
    };
    const error = await errorOf(read());

    expect(sequences).toEqual([7n]);
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("SHUTTING_DOWN");
  });

  it("that ends by itself is complete", async () => {
    const door = openDoor({
      async *watchCancellation() {
        yield EVENT;
      },
    });

    const sequences: (bigint | undefined)[] = [];
    for await (const { event } of door.cancellations.watchCancellation({ cancellationId: "c-1" })) {
      sequences.push(event?.sequence);
    }

    expect(sequences).toEqual([7n]);
  });
});
