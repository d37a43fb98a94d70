import { Code, createConnectRouter, type Interceptor } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { jsonBodyKey } from "../../src/rpc/json_body.ts";
import { interceptors, routes } from "../../src/rpc/routes.ts";
import { errorOf, openDoor, useCasesDouble } from "./double.ts";
import { executionOf } from "./samples.ts";

/** Stands for a port that had this JSON as the body of the call. */
const portWith =
  (body: string): Interceptor =>
  (next) =>
  (call) => {
    call.contextValues.set(jsonBodyKey, () => Promise.resolve(new TextEncoder().encode(body)));
    return next(call);
  };

const decoded = { processId: "p-1", reason: "r", requestedBy: {} };

describe("a JSON body", () => {
  it("with a misspelt strategy is refused, although Connect would take it for one that was left out", async () => {
    const body = '{"process_id":"p-1","reason":"r","requested_by":{},"strategy":"STRATEGY_HARDER"}';
    const door = openDoor({}, { outer: portWith(body) });

    const error = await errorOf(door.cancellations.cancelProcess(decoded));

    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toContain("strategy must be one of STRATEGY_SOFT, ");
    expect(door.statuses).toEqual([422]);
  });

  it("that is sound goes on to its handler", async () => {
    const execution = executionOf("process");
    const door = openDoor(
      {
        cancel: () => Promise.resolve({ disposition: "already_finished", execution, timeline: [], flagRaised: false }),
      },
      { outer: portWith('{"process_id":"p-1","reason":"r","requested_by":{}}') },
    );

    await expect(door.cancellations.cancelProcess(decoded)).resolves.toMatchObject({ status: 2 });
  });
});

describe("JSON in the URL of a GET", () => {
  it.each([
    ["as it is", `message=${encodeURIComponent('{"kind":"KIND_NONE"}')}&encoding=json`],
    ["in base64", `message=${Buffer.from('{"kind":"KIND_NONE"}').toString("base64url")}&encoding=json&base64=1`],
  ])("is looked at too: %s", async (_case, query) => {
    const router = createConnectRouter({ interceptors: interceptors({ log: { error: () => {} } }) });
    routes(useCasesDouble({}))(router);
    const path = "/belay.v1.CancellationService/ListCancellations";

    const response = await router.handlers.find((handler) => handler.requestPath === path)!({
      httpVersion: "2.0",
      method: "GET",
      url: `https://in-memory${path}?${query}`,
      header: new Headers(),
      body: { async *[Symbol.asyncIterator]() {} },
      signal: new AbortController().signal,
    });

    expect(response.status).toBe(400);
    expect(await textOf(response.body)).toContain("kind must be one of KIND_PROCESS_INSTANCE, ");
  });
});

async function textOf(body: AsyncIterable<Uint8Array> | Record<string, unknown> | undefined | null): Promise<string> {
  if (body === undefined || body === null || !(Symbol.asyncIterator in body)) return "";
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
