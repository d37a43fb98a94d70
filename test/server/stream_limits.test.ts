import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { CancellationService } from "../../gen/belay/v1/cancellation_service_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { callerKey } from "../../src/rpc/caller.ts";
import { interceptors } from "../../src/rpc/routes.ts";
import { limitStreams, type StreamLimits } from "../../src/server/stream_limits.ts";
import { openPort } from "./port_under_test.ts";

/** Stands in for the gate: the caller is whoever the header names. */
const nameCaller: Interceptor = (next) => (call) => {
  const caller = call.contextValues.get(callerKey);
  call.contextValues.set(callerKey, { ...caller, principal: call.header.get("x-caller") ?? "" });
  return next(call);
};

async function openLimitedPort(limits: StreamLimits) {
  const port = await openPort({
    interceptors: [...interceptors({ log: pino({ level: "silent" }) }), nameCaller, limitStreams(limits)],
  });
  const client = createClient(CancellationService, createGrpcTransport({ baseUrl: port.url }));
  const leaving = new AbortController();
  /** Watches until everybody leaves. Resolves when the stream is open, rejects if it is refused. */
  const watch = async (caller: string): Promise<void> => {
    const options = { headers: { "x-caller": caller }, signal: leaving.signal };
    await client.watchCancellation({ cancellationId: "c-1" }, options)[Symbol.asyncIterator]().next();
  };
  return { port, watch, leave: () => leaving.abort() };
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const refused = ConnectError.from(error);
    expect(refused.code).toBe(Code.ResourceExhausted);
    return refused.findDetails(ErrorInfoSchema)[0]?.reason ?? "unnamed";
  }
  return "none";
}

describe("streams are refused", () => {
  it("to a caller who has as many open as one may, and to nobody else", async () => {
    const { watch } = await openLimitedPort({ total: 10, perCaller: 2 });
    await watch("a");
    await watch("a");

    expect(await refusalOf(watch("a"))).toBe("OVERLOADED");
    expect(await refusalOf(watch("b"))).toBe("none");
  });

  it("to everybody while as many are open as the server takes", async () => {
    const { watch } = await openLimitedPort({ total: 2, perCaller: 2 });
    await watch("a");
    await watch("b");

    expect(await refusalOf(watch("c"))).toBe("OVERLOADED");
  });

  it("no longer when others have ended", async () => {
    const { port, watch, leave } = await openLimitedPort({ total: 1, perCaller: 1 });
    await watch("a");
    expect(await refusalOf(watch("a"))).toBe("OVERLOADED");

    leave();
    await port.logged(({ method, code }) => method.endsWith("WatchCancellation") && code === "canceled");

    const client = createClient(CancellationService, createGrpcTransport({ baseUrl: port.url }));
    const again = client.watchCancellation({ cancellationId: "c-1" }, { headers: { "x-caller": "a" } });
    expect(await again[Symbol.asyncIterator]().next()).toMatchObject({ done: false });
  });
});
