import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TlsFiles } from "../../src/server/config.ts";
import { openTls } from "../../src/server/tls.ts";
import { createAuthority, type MadeCertificate } from "./certificate_authority.ts";
import { createLog, LEVEL } from "./log_under_test.ts";
import { ask, filesOf, put, serveTls, sessionOf, shakeHands, temporaryFolder } from "./tls_under_test.ts";

const authority = await createAuthority();
const ca = authority.cert;

function overwrite({ certPath, keyPath }: TlsFiles, { cert, key }: MadeCertificate): void {
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
}

async function nameServed(port: number): Promise<unknown> {
  const socket = await shakeHands(port, { ca, ALPNProtocols: ["h2"] });
  return socket.getPeerCertificate().subject.CN;
}

describe("TLS files that change", () => {
  it("are served to new connections when told to reload, and old connections live on", async () => {
    const files = filesOf(await authority.issue({ commonName: "first" }));
    const { port, tls } = await serveTls(files);
    const before = await shakeHands(port, { ca });

    overwrite(files, await authority.issue({ commonName: "second" }));
    await tls.reload();

    expect(await nameServed(port)).toBe("second");
    before.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const [answer] = await once(before, "data");
    expect(String(answer)).toContain("200 OK");
  });

  it("are found by themselves where a symlink to their folder flips", async () => {
    const root = temporaryFolder();
    const deploy = async (version: string) => {
      mkdirSync(join(root, version));
      const { cert, key } = await authority.issue({ commonName: version });
      put(join(root, version), "tls.crt", cert);
      put(join(root, version), "tls.key", key);
      symlinkSync(version, join(root, "..data_tmp"));
      renameSync(join(root, "..data_tmp"), join(root, "..data"));
    };
    await deploy("v1");
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(root, name));
    const files = { certPath: join(root, "tls.crt"), keyPath: join(root, "tls.key"), clients: null };
    const { port, logged } = await serveTls(files, 5);

    await deploy("v2");

    await logged(({ subject }) => subject === "CN=v2");
    expect(await nameServed(port)).toBe("v2");
  });

  it("are complained about once if they don't fit together, and those from before are served on", async () => {
    const files = filesOf(await authority.issue({ commonName: "good" }));
    const { port, logged, lines } = await serveTls(files, 5);

    writeFileSync(files.certPath, (await authority.issue({ commonName: "of another key" })).cert);
    const complaint = await logged(({ level }) => level === LEVEL.error);
    const repaired = await authority.issue({ commonName: "repaired" });
    overwrite(files, repaired);
    await logged(({ subject }) => subject === "CN=repaired");

    expect(complaint.err?.message).toBe(
      `the TLS key ${files.keyPath} does not belong to the certificate ${files.certPath}: give the two that were made together`,
    );
    expect(lines.filter(({ level }) => level === LEVEL.error)).toHaveLength(1);
    expect(await nameServed(port)).toBe("repaired");
  });

  it.each<[string, (files: TlsFiles) => void | Promise<void>, RegExp]>([
    ["are gone", ({ keyPath }) => rmSync(keyPath), /key .* can't be read: ENOENT/],
    ["are empty", ({ certPath }) => writeFileSync(certPath, ""), /certificate .* has none/],
    [
      "have expired",
      async (files) => overwrite(files, await authority.issue({ commonName: "expired", days: -1 })),
      /has expired/,
    ],
  ])("leave those from before in service if they %s", async (_name, change, complaint) => {
    const files = filesOf(await authority.issue({ commonName: "good" }));
    const { port, tls, logged } = await serveTls(files);

    await change(files);
    await tls.reload();

    const { err } = await logged(({ level }) => level === LEVEL.error);
    expect(err?.message).toMatch(complaint);
    expect(await nameServed(port)).toBe("good");
  });

  it("change which clients are trusted", async () => {
    const other = await createAuthority("Other CA");
    const folder = temporaryFolder();
    const caPath = put(folder, "clients.pem", authority.cert);
    const files = filesOf(await authority.issue({ commonName: "server" }), { caPath, required: true, mapPath: null });
    const { port, tls } = await serveTls(files);
    const client = await other.issue({ commonName: "client" });
    await expect(ask(port, { ca, ...client })).rejects.toThrow();

    writeFileSync(caPath, other.cert);
    await tls.reload();

    expect(await ask(port, { ca, ...client })).toBe(200);
  });

  it("leave no session to resume for those who are trusted no more", async () => {
    const caPath = put(temporaryFolder(), "clients.pem", authority.cert);
    const files = filesOf(await authority.issue({ commonName: "server" }), { caPath, required: true, mapPath: null });
    const { port, tls } = await serveTls(files);
    const client = await authority.issue({ commonName: "client" });
    const session = await sessionOf(await shakeHands(port, { ca, ...client }));

    writeFileSync(caPath, (await createAuthority("Other CA")).cert);
    await tls.reload();

    await expect(ask(port, { ca, ...client, ...(session && { session }) })).rejects.toThrow();
  });

  it("tell the listeners the rules of a new client map", async () => {
    const folder = temporaryFolder();
    const caPath = put(folder, "clients.pem", authority.cert);
    const mapPath = put(folder, "clients.json", "[]");
    const files = filesOf(await authority.issue({ commonName: "server" }), { caPath, required: false, mapPath });
    const { tls } = await serveTls(files);
    const told: unknown[] = [];
    tls.onChange(({ clientRules }) => told.push(clientRules));

    writeFileSync(mapPath, JSON.stringify([{ match: "CN:ops", scopes: ["admin"] }]));
    await tls.reload();

    expect(told).toEqual([[{ match: "CN:ops", tenant: "default", scopes: ["admin"], name: "CN:ops" }]]);
  });
});

describe("the log of TLS", () => {
  async function linesAtStart(days: number) {
    const { logger, lines } = createLog();
    const tls = await openTls(filesOf(await authority.issue({ commonName: "x", days })), { logger });
    tls.close();
    return lines;
  }

  it("says which certificate is served, and until when", async () => {
    const [line, ...more] = await linesAtStart(30);

    expect(line).toMatchObject({
      level: LEVEL.info,
      msg: "serving a TLS certificate",
      subject: "CN=x",
      names: "DNS:localhost, IP Address:127.0.0.1",
      not_after: expect.stringMatching(/^20\d\d-\d\d-\d\dT/),
    });
    expect(more).toEqual([]);
  });

  it("warns of a certificate that ends within a week", async () => {
    const [, warning] = await linesAtStart(6);

    expect(warning).toMatchObject({ level: LEVEL.warn, msg: expect.stringContaining("within 7 days") });
  });

  it("says that a certificate has expired", async () => {
    const [, error] = await linesAtStart(-1);

    expect(error).toMatchObject({ level: LEVEL.error, msg: expect.stringContaining("has expired") });
  });
});
