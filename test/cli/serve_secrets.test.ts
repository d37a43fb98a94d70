import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it, onTestFinished } from "vitest";
import { KeyService } from "../../gen/belay/v1/key_service_pb.ts";
import { callJson } from "../rest/json_call.ts";
import { belay, type Started, startBelay, temporaryFolder } from "./belay_command.ts";

const FLAG_KEY = "flagkey0flagkey0flagkey0";
const FILE_KEY = "filekey0filekey0filekey0";
const CALLBACK_SECRET = "callbacksecret0callback0";
const REDIS_PASSWORD = "redispassword0redis00000";
/** What callers show that the server does not know: the key of another service, say. */
const STRANGE = "strangekey0strangekey000";

it("shows no secret in its logs, its answers to others, its audit log or its process title", async () => {
  const folder = temporaryFolder();
  const server = startServerWithSecrets(folder);
  const [, url = ""] = await server.prints(/listening on (http:\S+)/);
  const made = await makeKey(url);
  const token = await tokenFor(url, FILE_KEY);
  const secrets = [FLAG_KEY, FILE_KEY, CALLBACK_SECRET, REDIS_PASSWORD, STRANGE, made, token];

  const answers: string[] = [];
  for (const secret of [FLAG_KEY, FILE_KEY, STRANGE, made, token, `${made}x`]) {
    for (const call of callsWith(url, secret)) answers.push(await call());
  }
  const title = titleOf(server);
  const audit = await belay(["audit", "--json", "--address", url], { BELAY_API_KEY: FLAG_KEY });
  server.process.kill("SIGTERM");
  await server.ended;

  expect(server.output()).toMatch(/"method":"GET \/v1\/workflows\/runs"/);
  expect(server.output()).toMatch(/redis/i);
  expect(audit.stdout).toContain("CreateKey");
  const shown = [server.output(), audit.stdout, title, ...answers].join("\n");
  for (const secret of secrets.flatMap((each) => [each, encoded(each)])) expect(shown).not.toContain(secret);
});

function startServerWithSecrets(folder: string): Started {
  const keys = join(folder, "keys");
  writeFileSync(keys, `${FILE_KEY} ops\n`);
  const server = startBelay(
    [
      ...["serve", "--port", "0", "--db", join(folder, "belay.db"), "--log-level", "trace"],
      ...["--api-key", FLAG_KEY, "--api-key-file", keys, "--access-token-in-query"],
      // Port 1 is reserved and nobody listens there: what Redis' client complains of is logged.
      ...["--callback-secret", CALLBACK_SECRET, "--redis-url", `redis://belay:${REDIS_PASSWORD}@127.0.0.1:1`],
    ],
    {},
  );
  onTestFinished(() => void server.process.kill("SIGKILL"));
  return server;
}

async function makeKey(url: string): Promise<string> {
  const showKey: Interceptor = (next) => (call) => {
    call.header.set("authorization", `Bearer ${FLAG_KEY}`);
    return next(call);
  };
  const keys = createClient(KeyService, createGrpcTransport({ baseUrl: url, interceptors: [showKey] }));
  return (await keys.createKey({ description: "made", scopes: ["cancel:*", "executions:read"] })).secret;
}

async function tokenFor(url: string, key: string): Promise<string> {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: "ops", client_secret: key });
  const answer = await callJson(`${url}/oauth/token`, { method: "POST", body });
  return answer.body.access_token;
}

const encoded = (secret: string): string => Buffer.from(`ops:${secret}`).toString("base64");

/** Calls that show the secret in every style there is, to every door, and in places where it does not belong. */
function callsWith(url: string, secret: string): (() => Promise<string>)[] {
  const styles: Record<string, string>[] = [
    { authorization: `Bearer ${secret}` },
    { authorization: `Basic ${encoded(secret)}` },
    { authorization: secret },
    { "api-key": secret },
    { apikey: secret },
    { "dd-api-key": secret, "dd-application-key": secret },
  ];
  const rpc = "/belay.v1.CancellationService/CancelProcess";
  const post = { method: "POST", body: JSON.stringify({ processId: "p-1", reason: "wrong" }) };
  const doors: [path: string, init: RequestInit][] = [
    [rpc, { ...post, headers: { "content-type": "application/json" } }],
    [rpc, { method: "POST", body: "{", headers: { "content-type": "application/json" } }],
    ["/processes/p-1/cancel", post],
    ["/v5/assessments/a-1/cancel-workflow", post],
    ["/api/v2/workflows/w/instances/i/cancel", { method: "PUT" }],
    ["/v1/workflows/runs/r-1", {}],
  ];
  return [
    ...styles.flatMap((headers) =>
      doors.map(
        ([path, init]) =>
          () =>
            textOf(`${url}${path}`, { ...init, headers: { ...init.headers, ...headers } }),
      ),
    ),
    () => textOf(`${url}/v1/workflows/runs?access_token=${secret}`),
    () => textOf(`${url}/v1/workflows/runs/r-1/cancel?access_token=${secret}`, { method: "POST" }),
    () => textOf(`${url}/no/such/path?access_token=${secret}`),
    () => textOf(`${url}/oauth/token`, { method: "POST", body: new URLSearchParams({ client_secret: `${secret}y` }) }),
    () => malformed(url, secret),
  ];
}

async function textOf(url: string, init: RequestInit = {}): Promise<string> {
  return (await fetch(url, init)).text();
}

/** A request that HTTP does not allow: two different lengths, after the secret was sent. */
function malformed(url: string, secret: string): Promise<string> {
  return new Promise((resolve) => {
    const call = request(`${url}/belay.v1.ExecutionService/GetProcess`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-length": "5", "transfer-encoding": "chunked" },
    });
    call.on("response", (response) =>
      response
        .setEncoding("utf8")
        .on("data", resolve)
        .on("end", () => resolve("")),
    );
    call.on("error", ({ message }) => resolve(message));
    call.end("{}");
  });
}

/** What everybody on the machine may read of a process. */
function titleOf({ process: { pid } }: Started): string {
  if (process.platform !== "linux") return "";
  const title = readFileSync(`/proc/${pid}/cmdline`, "utf8");
  expect(title).toMatch(/^belay serve\0*$/);
  return title;
}
