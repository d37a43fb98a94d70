import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { describe, expect, it, onTestFinished } from "vitest";
import { belay, startBelay } from "../cli/belay_command.ts";
import { createAuthority, type MadeCertificate } from "./certificate_authority.ts";
import { filesOf, put, temporaryFolder } from "./tls_under_test.ts";

const authority = await createAuthority();
const ca = authority.cert;
const ops = await authority.issue({ commonName: "ops" });
const stranger = await authority.issue({ commonName: "stranger" });

/** A `belay serve` that takes client certificates. */
async function startServer(rules: unknown) {
  const folder = temporaryFolder();
  const files = filesOf(await authority.issue({ commonName: "server" }));
  const mapPath = put(folder, "clients.json", JSON.stringify(rules));
  const server = startBelay([
    ...["serve", "--port", "0", "--db", ":memory:"],
    ...["--tls-cert", files.certPath, "--tls-key", files.keyPath],
    ...["--tls-client-ca", put(folder, "clients.pem", ca), "--tls-client-map", mapPath],
  ]);
  onTestFinished(async () => {
    server.process.kill("SIGKILL");
    await server.ended;
  });
  const [, url = ""] = await server.prints(/listening on (https:\S+)/);
  return { ...server, url, files, mapPath };
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** A call over Connect's JSON, on a connection of its own. */
function call(url: string, method: string, body: unknown, client?: MadeCertificate): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", agent: false, ca, ...client, headers: { "content-type": "application/json" } };
    request(`${url}/belay.v1.${method}`, options, async (response) => {
      const text = (await response.toArray()).join("");
      resolve({ status: response.statusCode, body: text });
    })
      .on("error", reject)
      .end(JSON.stringify(body));
  });
}

const LIST = "ExecutionService/ListProcesses";
const CANCEL = "CancellationService/CancelProcess";
const CANCEL_UNKNOWN = { processId: "p-1", reason: "a test", requestedBy: { system: "tests" } };

describe("belay serve with client certificates", () => {
  it("lets a certificate do what its rule says, and nobody else", async () => {
    const { url } = await startServer([{ match: "CN:ops", scopes: ["executions:read"] }]);

    expect(await call(url, LIST, {}, ops)).toMatchObject({ status: 200 });
    expect(await call(url, CANCEL, CANCEL_UNKNOWN, ops)).toMatchObject({
      status: 403,
      body: expect.stringContaining("cancel:process"),
    });
    expect(await call(url, LIST, {}, stranger)).toMatchObject({
      status: 401,
      body: expect.stringContaining("CN:stranger"),
    });
    expect(await call(url, LIST, {})).toMatchObject({ status: 401 });
  });

  it("takes new rules and a new certificate at SIGHUP", async () => {
    const server = await startServer([{ match: "CN:ops", scopes: ["executions:read"] }]);
    const next = await authority.issue({ commonName: "renewed" });

    writeFileSync(server.mapPath, JSON.stringify([{ match: "CN:ops", scopes: ["cancel:*"] }]));
    writeFileSync(server.files.certPath, next.cert);
    writeFileSync(server.files.keyPath, next.key);
    server.process.kill("SIGHUP");
    await server.prints(/"subject":"CN=renewed".*"serving a TLS certificate"/);

    expect(await call(server.url, CANCEL, CANCEL_UNKNOWN, ops)).toMatchObject({ status: 404 });
    expect(await call(server.url, LIST, {}, ops)).toMatchObject({ status: 403 });
  });
});

describe("belay serve, with TLS set up wrongly", () => {
  it("does not start with a client map that is wrong, and says where", async () => {
    const files = filesOf(ops);
    const folder = temporaryFolder();
    const mapPath = put(folder, "clients.json", '[{"match":"ops","scopes":["admin"]}]');
    const caPath = put(folder, "clients.pem", ca);

    const { exitCode, stderr } = await belay([
      ...["serve", "--port", "0", "--db", ":memory:", "--tls-cert", files.certPath, "--tls-key", files.keyPath],
      ...["--tls-client-ca", caPath, "--tls-client-map", mapPath],
    ]);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^belay: the TLS client map \S+clients\.json is wrong: rule 1, "match", must be one of "CN:…"/m,
    );
  });

  it.each([
    [["--tls-client-required"], "--tls-client-required needs --tls-client-ca beside it"],
    [["--tls-client-map", import.meta.filename], "--tls-client-map needs --tls-client-ca beside it"],
    [["--tls-client-ca", import.meta.filename], "--tls-client-ca needs --tls-cert and --tls-key beside it"],
    [["--tls-client-required", "maybe"], "It must be true or false."],
    [["--trusted-proxy", "10.0.0.0/8,proxy.example"], '"proxy.example" is neither an address such as 10.0.0.7 nor'],
  ])("refuses %j", async (args, says) => {
    const { exitCode, stderr } = await belay(["serve", ...args]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(says);
  });
});
