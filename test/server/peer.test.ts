import { once } from "node:events";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Peer } from "../../src/gate/peer.ts";
import { peerOf, type TrustedProxies, trustedProxies } from "../../src/server/peer.ts";

interface Answer {
  readonly peer: Peer;
}

/** What a server on loopback says of a request with these X-Forwarded-For lines. */
async function peerSeen(proxies: TrustedProxies, forwardedFor: readonly string[], host = "127.0.0.1"): Promise<Peer> {
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify({ peer: peerOf(request, proxies) }));
  });
  onTestFinished(() => void server.close());
  server.listen(0, host === "127.0.0.1" ? "::" : host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const request = http.get({ host, port, agent: false, headers: { "x-forwarded-for": [...forwardedFor] } });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const body = (await response.toArray()).join("");
  return (JSON.parse(body) as Answer).peer;
}

const LOOPBACK = ["127.0.0.1", "::1"];

describe("the peer of a request", () => {
  it("has the address of the connection, IPv4 as such though the server listens on IPv6", async () => {
    expect(await peerSeen(null, [])).toEqual({ address: "127.0.0.1", certificate: null });
  });

  it("has the address of the connection, whatever a client claims that is no trusted proxy", async () => {
    expect(await peerSeen(null, ["192.0.2.7"])).toMatchObject({ address: "127.0.0.1" });
    expect(await peerSeen(trustedProxies(["10.0.0.0/8"]), ["192.0.2.7"])).toMatchObject({ address: "127.0.0.1" });
  });

  it.each<[string, readonly string[], string]>([
    ["the one that the proxy names", ["192.0.2.7"], "192.0.2.7"],
    ["the last that is no proxy, whatever stands before it", ["6.6.6.6, 192.0.2.7, 10.0.0.2"], "192.0.2.7"],
    ["the last over several lines", ["6.6.6.6", "192.0.2.7", "10.0.0.2,10.0.0.3"], "192.0.2.7"],
    ["the first if all are proxies", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"],
    ["the proxy if nobody is named", [""], "127.0.0.1"],
    ["the proxy if what it names is no address", ["192.0.2.7, unknown"], "127.0.0.1"],
    ["the nearest known hop before what is no address", ["192.0.2.7, <script>, 10.0.0.2"], "10.0.0.2"],
    ["without its port", ["192.0.2.7:50123"], "192.0.2.7"],
    ["an IPv6 address", ["2001:DB8:0::1"], "2001:db8::1"],
    ["an IPv6 address without its port", ["[2001:db8::1]:50123"], "2001:db8::1"],
    ["an IPv4 address in IPv6", ["::ffff:192.0.2.7"], "192.0.2.7"],
    ["no address with a zone of another machine in it", ["fe80::1%eth0"], "fe80::1"],
  ])("has behind a trusted proxy the address that it names: %s", async (_name, forwardedFor, address) => {
    const proxies = trustedProxies([...LOOPBACK, "10.0.0.0/8"]);

    expect(await peerSeen(proxies, forwardedFor)).toMatchObject({ address });
  });

  it("is the same over HTTP/2", async () => {
    const proxies = trustedProxies(LOOPBACK);
    const server = http2.createServer((request, response) => response.end(JSON.stringify(peerOf(request, proxies))));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      client.close();
      server.close();
    });

    const stream = client.request({ "x-forwarded-for": "192.0.2.7" });

    expect(JSON.parse((await stream.toArray()).join(""))).toEqual({ address: "192.0.2.7", certificate: null });
  });
});

describe("the list of trusted proxies", () => {
  it.each(["proxy.example", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.0/", "::/129", "fe80::1%eth0", ""])(
    "refuses %j",
    (each) => {
      expect(() => trustedProxies(["127.0.0.1", each])).toThrow(`"${each}" is neither an address nor a CIDR block`);
    },
  );
});
