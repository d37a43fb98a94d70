import { describe, expect, it, onTestFinished } from "vitest";
import { belay } from "../cli/belay_command.ts";
import { startServer, type TestServer } from "../e2e/server.ts";
import { nowInSeconds, startIssuer, type TestIssuer } from "./oidc_issuer.ts";

function serverFor(issuer: TestIssuer): Promise<TestServer> {
  const claims = ["--oidc-scopes-claim", "realm_access.roles", "--oidc-tenant-claim", "org"];
  return startServer("--oidc-issuer", issuer.url, "--oidc-audience", "belay", ...claims);
}

interface Answer {
  readonly status: number;
  readonly body: {
    readonly message?: string;
    readonly details?: readonly { readonly debug?: { readonly reason?: string } }[];
  };
}

async function call(server: TestServer, method: string, body: unknown, token: string): Promise<Answer> {
  const response = await fetch(`${server.url}/belay.v1.${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

const LIST = "ExecutionService/ListProcesses";
const REGISTER = "ExecutionService/RegisterExecution";
const PROCESS = { kind: "KIND_PROCESS", id: "p-1", process: { processType: "test" } };

describe("belay serve with an issuer of tokens", () => {
  it("lets a token do what its scopes say, in its tenant, and nobody else", async () => {
    const issuer = await startIssuer();
    const server = await serverFor(issuer);
    onTestFinished(() => server.close());
    const writer = await issuer.sign({ org: "acme", realm_access: { roles: ["executions:write", "executions:read"] } });
    const reader = await issuer.sign({ org: "other", realm_access: { roles: ["executions:read"] } });

    const registered = await call(server, REGISTER, PROCESS, writer);
    expect(registered.status, JSON.stringify(registered.body)).toBe(200);
    expect(await call(server, LIST, {}, writer)).toMatchObject({ status: 200, body: { processes: [{}] } });
    expect((await call(server, LIST, {}, reader)).body).toEqual({});
    expect(await call(server, REGISTER, PROCESS, reader)).toMatchObject({ status: 403 });
    expect(await call(server, LIST, {}, "made up")).toMatchObject({ status: 401 });
    expect(await call(server, LIST, {}, await issuer.sign({ org: "acme", exp: nowInSeconds() - 90 }))).toMatchObject({
      status: 401,
      body: { message: expect.stringMatching(/^the token expired at /) },
    });
  });

  it("says that the issuer is away, and when to try again, while nothing is known of its keys", async () => {
    const issuer = await startIssuer();
    const token = await issuer.sign();
    await issuer.stop();
    const server = await serverFor(issuer);

    const { status, body } = await call(server, LIST, {}, token);

    expect(status).toBe(503);
    expect(body.details?.map(({ debug }) => debug?.reason)).toContain("IDENTITY_PROVIDER_UNAVAILABLE");
    // In order: a server that is killed keeps the last lines of its log to itself.
    await server.stop();
    await expect(server.close()).rejects.toThrow("the issuer's keys can't be fetched");
  });
});

describe("belay serve, with an issuer set up wrongly", () => {
  it.each([
    [["--oidc-issuer", "https://login.example.com"], "--oidc-issuer needs --oidc-audience beside it"],
    [["--oidc-audience", "belay"], "--oidc-audience needs --oidc-issuer beside it"],
    [["--oidc-issuer", "http://login.example.com"], "It must be an https:// URL"],
    [["--oidc-issuer", "https://login.example.com?x=1"], "It must be a URL without a query"],
    [["--oidc-jwks-url", "http://login.example.com/jwks"], "It must be an https:// URL"],
    [["--oidc-audience", "a,,b"], "It must be one audience, or several with commas between them."],
    [["--oidc-clock-skew", "1h"], "It must be a whole number from 0 to 600."],
  ])("refuses %j", async (args, says) => {
    const { exitCode, stderr } = await belay(["serve", ...args]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(says);
  });
});
