import { once } from "node:events";
import { connect } from "node:http2";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { openTls } from "../../src/server/tls.ts";
import { attack } from "./attack.ts";
import { createAuthority } from "./certificate_authority.ts";
import { CANCEL_PROCESS, cancelProcess, openPort } from "./port_under_test.ts";
import { filesOf } from "./tls_under_test.ts";

const JSON_CALL = { method: "POST", headers: { "content-type": "application/json" } };

describe("what a browser is told", () => {
  it.each([
    ["an answer", CANCEL_PROCESS, { ...JSON_CALL, body: JSON.stringify(cancelProcess("p-1")) }, 200],
    ["an error", CANCEL_PROCESS, { ...JSON_CALL, body: "{}" }, 422],
    ["a path that is not there", "/nowhere", {}, 404],
  ])("with %s", async (_name, path, request, status) => {
    const port = await openPort();

    const answer = await fetch(port.url + path, request);

    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
    });
    // A promise that only a server with TLS can keep.
    expect(answer.headers.get("strict-transport-security")).toBeNull();
  });

  it("over TLS: to come by TLS only", async () => {
    const authority = await createAuthority();
    const files = filesOf(await authority.issue({ commonName: "server" }));
    const tls = await openTls(files, { logger: pino({ level: "silent" }) });
    onTestFinished(() => tls.close());
    const port = await openPort({ tls });
    const session = connect(port.url, { ca: authority.cert });
    const stream = session.request({ ":path": "/nowhere" });

    const [answer] = await once(stream, "response");

    expect(answer["strict-transport-security"]).toBe("max-age=31536000");
    session.destroy();
  });

  it("with what is no request", async () => {
    const port = await openPort();

    const answer = (await attack(port, Buffer.from("nonsense\r\n\r\n")).cutOff).toString();

    expect(answer).toContain("x-content-type-options: nosniff");
  });

  it("is nothing with gRPC, which no browser reads", async () => {
    const port = await openPort();
    const session = connect(port.url);
    const headers = { ":method": "POST", ":path": CANCEL_PROCESS, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request(headers);
    stream.end(Buffer.alloc(5));

    const [answer] = await once(stream, "response");

    expect(answer).not.toHaveProperty("x-content-type-options");
    session.destroy();
  });
});
