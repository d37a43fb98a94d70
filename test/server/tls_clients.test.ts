import { once } from "node:events";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { createAuthority } from "./certificate_authority.ts";
import { ask, askHttp2, filesOf, put, serveTls, sessionOf, shakeHands, temporaryFolder } from "./tls_under_test.ts";

const authority = await createAuthority();
const ca = authority.cert;
const server = await authority.issue({ commonName: "server" });
const client = await authority.issue({ commonName: "client" });
const expired = await authority.issue({ commonName: "client", days: -1 });
const forger = await (await createAuthority("Forger")).issue({ commonName: "client" });

function serveClients(required: boolean) {
  const caPath = put(temporaryFolder(), "clients.pem", ca);
  return serveTls(filesOf(server, { caPath, required, mapPath: null }));
}

describe("a server that takes client certificates", () => {
  it("knows the certificate over HTTP/1.1", async () => {
    const { port, peer } = await serveClients(false);

    await ask(port, { ca, ...client });

    expect(peer()).toMatchObject({ address: "127.0.0.1", certificate: { subject: { CN: "client" } } });
  });

  it("knows the certificate over HTTP/2", async () => {
    const { port, peer } = await serveClients(false);

    expect(await askHttp2(port, { ca, ...client })).toBe(200);

    expect(peer()?.certificate?.subject.CN).toBe("client");
  });

  it("serves clients without one", async () => {
    const { port, peer } = await serveClients(false);

    expect(await ask(port, { ca })).toBe(200);

    expect(peer()).toEqual({ address: "127.0.0.1", certificate: null });
  });

  it.each([
    ["another authority signed", forger, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["has expired", expired, "CERT_HAS_EXPIRED"],
  ])("ends the connection if the one shown is one that %s, and says so in its log", async (_name, shown, why) => {
    const { port, peer, logged } = await serveClients(false);

    await expect(ask(port, { ca, ...shown })).rejects.toThrow();
    expect(await askHttp2(port, { ca, ...shown })).toBeUndefined();

    expect(peer()).toBeUndefined();
    const line = await logged(({ msg }) => msg.startsWith("a client certificate was refused"));
    expect(line).toMatchObject({ address: "127.0.0.1", why });
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "takes nobody for certified who resumes a session of %s without",
    async (version) => {
      const { port, peer } = await serveClients(false);
      const versions = { minVersion: version, maxVersion: version };
      const session = await sessionOf(await shakeHands(port, { ca, ...versions }));

      const resumed = await shakeHands(port, { ca, ...(session && { session }), ...versions });
      resumed.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await once(resumed, "data");

      expect(resumed.isSessionReused()).toBe(true);
      expect(peer()).toEqual({ address: "127.0.0.1", certificate: null });
    },
  );

  it("still knows the certificate of a session that is resumed", async () => {
    const { port, peer } = await serveClients(false);
    const session = await sessionOf(await shakeHands(port, { ca, ...client }));

    const resumed = await shakeHands(port, { ca, ...(session && { session }) });
    resumed.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(resumed, "data");

    expect(resumed.isSessionReused()).toBe(true);
    expect(peer()?.certificate?.subject.CN).toBe("client");
  });
});

describe("a server that wants client certificates", () => {
  it("serves those who have one", async () => {
    const { port, peer } = await serveClients(true);

    expect(await ask(port, { ca, ...client })).toBe(200);

    expect(peer()?.certificate?.subject.CN).toBe("client");
  });

  it("refuses the handshake of those who have none", async () => {
    const { port, logged } = await serveClients(true);
    const socket = connect({ port, host: "127.0.0.1", ca });

    const [error] = await once(socket.resume(), "error");

    expect(error).toMatchObject({ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" });
    await logged(({ msg }) => msg === "a TLS handshake failed");
  });

  it("refuses those whose certificate another authority signed", async () => {
    const { port, peer } = await serveClients(true);

    await expect(ask(port, { ca, ...forger })).rejects.toThrow();

    expect(peer()).toBeUndefined();
  });
});

describe("a server with TLS", () => {
  it("asks nobody for a certificate if it has no authority to judge it by", async () => {
    const { port, peer } = await serveTls(filesOf(server));

    await ask(port, { ca, ...client });

    expect(peer()).toEqual({ address: "127.0.0.1", certificate: null });
  });

  it("refuses versions before 1.2", async () => {
    const { port } = await serveTls(filesOf(server));
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

    await expect(shakeHands(port, { ca, ...old })).rejects.toMatchObject({
      code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    });
    await expect(shakeHands(port, { ca, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" })).resolves.toBeDefined();
  });
});
