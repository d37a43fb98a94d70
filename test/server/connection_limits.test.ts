import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { openTls } from "../../src/server/tls.ts";
import { attack, attackOn, bystander } from "./attack.ts";
import { createAuthority } from "./certificate_authority.ts";
import { hello } from "./h2_frames.ts";
import { openPort } from "./port_under_test.ts";
import { filesOf } from "./tls_under_test.ts";

describe("connections", () => {
  it("beyond the limit of an address are closed, and those before them are served", async () => {
    const port = await openPort({ limits: { maxConnectionsPerAddress: 5 } });
    const other = await bystander(port);
    const held = Array.from({ length: 4 }, () => attack(port, hello()));
    await Promise.all(held.map(({ socket }) => once(socket, "data")));

    await attack(port, hello()).cutOff;

    await other.isServed();
    expect(await port.logged(({ msg }) => msg.startsWith("refused connections"))).toMatchObject({
      address: "127.0.0.1",
      refused: 1,
    });
  });

  it("beyond the limit of the port are closed, and one may come when another goes", async () => {
    const port = await openPort({ limits: { maxConnections: 1 } });
    const first = attack(port, hello());
    await once(first.socket, "data");
    await attack(port, hello()).cutOff;
    first.socket.destroy();

    await expect.poll(() => fetch(`${port.url}/nowhere`).then(({ status }) => status, String)).toBe(404);
  });

  it("are limited over TLS too", async () => {
    const authority = await createAuthority();
    const files = filesOf(await authority.issue({ commonName: "server" }));
    const tls = await openTls(files, { logger: pino({ level: "silent" }) });
    onTestFinished(() => tls.close());
    const port = await openPort({ tls, limits: { maxConnectionsPerAddress: 1 } });
    const options = { port: port.address.port, host: "127.0.0.1", ca: authority.cert, ALPNProtocols: ["h2"] };
    const first = attackOn(connectTls(options), hello());
    await once(first.socket, "data");

    await attackOn(connectTls(options), hello()).cutOff;

    expect(first.socket.destroyed).toBe(false);
  });
});
