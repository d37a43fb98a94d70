import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientsOf } from "./clients.ts";
import { startServer, type TestServer } from "./server.ts";

const KEY = "a-key-that-permits-everything";
const CANCEL = "/belay.v1.CancellationService/CancelProcess";

let server: TestServer;

beforeAll(async () => {
  server = await startServer("--api-key", KEY);
});

afterAll(() => server.close());

function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}${CANCEL}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

describe("a request that can't be read", () => {
  it.each(["{", '{"processId":5}', '{"processId":"p"} x'])(
    "tells nobody without a key what is wrong with it: %s",
    async (body) => {
      const response = await post(body);

      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await response.json()).toMatchObject({ code: "unauthenticated" });
    },
  );

  it("tells whoever may make it", async () => {
    const response = await post("{", { authorization: `Bearer ${KEY}` });

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ details: [{ debug: { reason: "MALFORMED_BODY" } }] });
  });

  it("is a refused cancel in the audit log, with whoever sent it", async () => {
    await post("{", { authorization: `Bearer ${KEY}`, "x-request-id": "unreadable-1" });

    const { events } = await clientsOf(server.url, KEY).audit.listAuditEvents({ refused: true });

    expect(events.find(({ requestId }) => requestId === "unreadable-1")).toMatchObject({
      action: "CancelProcess",
      principal: "key:key-1",
      outcome: "MALFORMED_BODY",
    });
  });
});
