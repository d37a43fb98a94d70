import { once } from "node:events";
import { connect } from "node:http2";
import { describe, expect, it } from "vitest";
import { openPort } from "./port_under_test.ts";
import { rawConnection } from "./raw_connection.ts";

describe("a port", () => {
  it("tells where it listens", async () => {
    const port = await openPort();

    expect(port.url).toBe(`http://127.0.0.1:${port.address.port}`);
  });

  it("listens on IPv6", async () => {
    const port = await openPort({ host: "::1" });

    expect(port.url).toBe(`http://[::1]:${port.address.port}`);
    expect((await fetch(`${port.url}/nowhere`)).status).toBe(404);
  });

  it("answers in HTTP/1.1 to those who offer to upgrade", async () => {
    const port = await openPort();
    const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA";

    const answer = await rawConnection(port.address.port, `GET / HTTP/1.1\r\nHost: x\r\n${offer}\r\n\r\n`).until("}");

    expect(answer).toMatch(/^HTTP\/1.1 404 /);
  });

  it("tells HTTP/2 clients how many calls they may have open", async () => {
    const port = await openPort({ limits: { maxConcurrentStreams: 7 } });
    const session = connect(port.url);

    const [settings] = await once(session, "remoteSettings");

    expect(settings.maxConcurrentStreams).toBe(7);
    session.destroy();
  });

  it("is refused where another listens", async () => {
    const { address } = await openPort();

    await expect(openPort({ port: address.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
