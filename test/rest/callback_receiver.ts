/** A server that receives callbacks, and answers them as a test wants. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "vitest";

export interface ReceivedCallback {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface CallbackReceiver {
  /** Where to register callbacks. */
  readonly url: string;
  /** What it answers from now on; null: nothing, ever. */
  answer(status: number | null, headers?: Readonly<Record<string, string>>): void;
  /** The next callback that no test has seen yet. */
  next(): Promise<ReceivedCallback>;
  /** How many have come that no test has seen. */
  unseen(): number;
  close(): Promise<void>;
}

export async function startCallbackReceiver(): Promise<CallbackReceiver> {
  const received: ReceivedCallback[] = [];
  const waiting: ((callback: ReceivedCallback) => void)[] = [];
  let status: number | null = 204;
  let headers: Readonly<Record<string, string>> = {};
  const server = createServer(async (request, response) => {
    const callback = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: await text(request),
    };
    if (status !== null) response.writeHead(status, headers).end();
    const wait = waiting.shift();
    if (wait === undefined) received.push(callback);
    else wait(callback);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/ended?from=belay`,
    answer: (nextStatus, nextHeaders = {}) => {
      status = nextStatus;
      headers = nextHeaders;
    },
    next: () =>
      new Promise((resolve) => {
        const callback = received.shift();
        if (callback === undefined) waiting.push(resolve);
        else resolve(callback);
      }),
    unseen: () => received.length,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Checks the signature as PhoneFarm's documentation tells receivers to. */
export function expectSigned({ headers, body }: ReceivedCallback, secret: string): void {
  const timestamp = headers["x-phonefarm-timestamp"];
  const expected = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  expect(headers["x-phonefarm-signature"]).toBe(expected);
  expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(30);
}
