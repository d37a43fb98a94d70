/** A watcher that stops reading is dropped, is told so when it reads on, and misses nothing when it comes back. */
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Strategy, type TimelineEvent } from "../../gen/belay/v1/cancellation_pb.ts";
import { Kind } from "../../gen/belay/v1/execution_ref_pb.ts";
import { ExecutionService } from "../../gen/belay/v1/execution_service_pb.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type Clients, clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";
import { startWork } from "./work.ts";

/** More than the buffers on the way, the flow control of HTTP/2 and what waits for a watcher take together. */
const CANCELS = 300;
const REASON = "because it takes much room ".repeat(150);

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await startServer();
  clients = clientsOf(server.url);
});
afterAll(() => server.close());

describe.each([
  ["gRPC", (baseUrl: string): Transport => createGrpcTransport({ baseUrl })],
  ["Connect", (baseUrl: string): Transport => createConnectTransport({ baseUrl, httpVersion: "2" })],
])("over %s", (_name, transportTo) => {
  it("a watcher that reads too slowly is told, and goes on after the last event it has", async () => {
    const { ref } = await startWork(clients, Kind.PROCESS);
    const watcher = createClient(ExecutionService, transportTo(server.url));
    const stream = watcher.watchExecution({ execution: ref })[Symbol.asyncIterator]();
    const seen: TimelineEvent[] = [];
    const read = async () => {
      const { done, value } = await stream.next();
      if (done === true) throw new Error("the stream has ended");
      if (value.event !== undefined) seen.push(value.event);
    };
    await read();
    // Nobody reads while much happens: every cancel after the first joins it, which is an event.
    for (let sent = 0; sent < CANCELS; sent += 100) {
      await Promise.all(
        Array.from({ length: 100 }, () =>
          clients.cancellations.cancelProcess({
            processId: ref.id,
            reason: REASON,
            requestedBy: { system: "test" },
            strategy: Strategy.SOFT_THEN_FORCE,
            forceAfterSeconds: 3600,
          }),
        ),
      );
    }

    const failure = await (async () => {
      try {
        for (;;) await read();
      } catch (error) {
        return ConnectError.from(error);
      }
    })();

    expect(failure.code).toBe(Code.Aborted);
    expect(failure.findDetails(ErrorInfoSchema)[0]?.reason).toBe("WATCHER_TOO_SLOW");
    const last = seen.at(-1)?.sequence ?? 0n;
    const resumed = watcher.watchExecution({ execution: ref, afterSequence: last })[Symbol.asyncIterator]();
    while (seen.length < CANCELS + 2) {
      const { value } = await resumed.next();
      if (value?.event !== undefined) seen.push(value.event);
    }
    await resumed.return?.();
    const sequences = seen.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => Number(a - b)));
  });
});
